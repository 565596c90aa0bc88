"""The queue of an installation without a Redis URL: a server of our own that keeps everything in ``DATA_DIR/queue``."""

from __future__ import annotations

import fcntl
import logging
import os
import socket
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import TypeAlias, TypeVar

from patchwatch.bus.backoff import Backoff
from patchwatch.bus.connection import ping
from patchwatch.contract.errors import BusUnavailableError, ConfigurationError, FatalError, StoppedError
from patchwatch.contract.settings import Settings
from patchwatch.local_redis import append_only_file
from patchwatch.local_redis.host_memory import memory_bytes
from patchwatch.local_redis.scratch_folder import scratch_folder
from patchwatch.local_redis.server_process import LONGEST_SOCKET_PATH, POLL_S, ServerProcess, ServerStartError
from patchwatch.local_redis.server_program import Program, first_program, programs

log = logging.getLogger("patchwatch.queue")

Result = TypeVar("Result")
Steps: TypeAlias = Generator[None, None, Result]  # no step takes long

_SOCKET, _ADDRESS, _AOF = "queue.sock", "address", "aof"
_SHARE_OF_MEMORY, _LEAST_MEMORY_MB, _MOST_MEMORY_MB = 4, 128, 4096
_PREDECESSOR_ENDS_WITHIN_S = 30.0
_CHECK_EVERY_S = 2.0
_SILENT_AT_MOST_S = 60.0  # a server that hangs for so long is killed and restarted
_BACKOFF = Backoff(least_s=1.0, most_s=30.0)
_STARTS_IN_A_ROW = 5
_STABLE_AFTER_S = 60.0
_ANSWERS_WITHIN_S = 1.0
_DONE = object()
# A crash of the machine costs the last second, or what was written during a rewrite of the file (docs/decisions/029).
_KEEPS = (
    "--save", "", "--appendonly", "yes", "--appenddirname", _AOF, "--appendfsync", "everysec",
    "--no-appendfsync-on-rewrite", "yes", "--auto-aof-rewrite-percentage", "100",
    "--auto-aof-rewrite-min-size", "64mb",
)  # fmt: skip
_CUT_OFF = "Unexpected end of file"


def queue_folder(settings: Settings) -> Path:
    """Where our own Redis keeps its data, its socket and its lock."""
    return settings.data_dir.absolute() / "queue"


def queue_memory_mb(settings: Settings) -> int:
    """MiB at which the server takes no more: the setting, else a quarter of the machine's memory within bounds."""
    share = memory_bytes() // _SHARE_OF_MEMORY // 2**20
    return settings.queue_memory_mb or min(max(share, _LEAST_MEMORY_MB), _MOST_MEMORY_MB)


def running_url(settings: Settings) -> str | None:
    """Address of the queue that a `patchwatch serve` with this DATA_DIR runs now, None when there is none."""
    try:
        url = (queue_folder(settings) / _ADDRESS).read_text(encoding="utf-8").strip()
        ping(url)
    except (OSError, UnicodeDecodeError, ConfigurationError, BusUnavailableError):
        return None
    return url


class KeptQueue:
    """The server, restarted when it dies: its data is on disk. Use `kept_queue`."""

    def __init__(self, folder: Path, socket: Path, memory_mb: int, inherited: int) -> None:
        self._folder = folder
        self._socket = socket
        self._options = (*_KEEPS, "--maxmemory", f"{memory_mb}mb")
        self._inherited = inherited
        self._server: ServerProcess | None = None
        self._check_at_s = 0.0
        self._answered_s = 0.0
        self._started_s = 0.0
        self._starts = 0
        self._restart: Steps[None] | None = None  # set while a restart is in progress

    @property
    def url(self) -> str:
        assert self._server is not None
        return self._server.url

    @property
    def program(self) -> Program:
        assert self._server is not None
        return self._server.program

    def start(self, stopped: Callable[[], bool] = lambda: False) -> None:
        """Start with the first program that can read the data. Raises `ConfigurationError` when none can, and
        `StoppedError` once ``stopped()``."""
        with closing(self._starting()) as steps:
            for _ in steps:
                if stopped():
                    raise StoppedError("stopped while the queue was loading its data")
                time.sleep(POLL_S)

    def _starting(self) -> Steps[None]:
        refusals: list[str] = []
        for program in programs():
            try:
                self._server = yield from self._started(program)
            except ServerStartError as error:
                refusals.append(str(error))
                continue
            for refusal in refusals:
                log.warning("%s; %s is used instead", refusal, program.name)
            self._started_s = self._answered_s = time.monotonic()
            return
        first_program()  # raises where there is no program at all
        raise ConfigurationError(_unreadable(self._folder, refusals))

    def _started(self, program: Program) -> Steps[ServerProcess]:
        """A file whose end was cut off by a crash is read up to there; a copy is kept, should it be damage instead."""
        try:
            return (yield from self._with_options(program, "--aof-load-truncated", "no"))
        except ServerStartError as error:
            if _CUT_OFF not in str(error):
                raise
        lost = append_only_file.keep_copy(self._folder / _AOF)
        server = yield from self._with_options(program, "--aof-load-truncated", "yes")
        log.warning(
            "the end of the queue's file was cut off by a crash: %d bytes, what was written last, are lost; the file "
            "as it was is %s", lost(), self._folder / _AOF / append_only_file.COPY,
        )  # fmt: skip
        return server

    def _with_options(self, program: Program, *more: str) -> Steps[ServerProcess]:
        server = ServerProcess(program, self._folder, self._socket, (*self._options, *more), (self._inherited,))
        yield from server.starting()
        return server

    def restart_if_needed(self) -> None:
        """Check the server and restart it if it died. Never takes long; call it several times a second.

        Raises `FatalError` when the server dies again and again, `ConfigurationError` when it cannot be started.
        """
        now_s = time.monotonic()
        if self._restart is not None:
            self._continue_restart()
            return
        if now_s < self._check_at_s:
            return
        self._check_at_s = now_s + _CHECK_EVERY_S
        if self._server is not None and self._server.running and not self._hangs(now_s):
            return
        self._start_again(now_s)

    def stop(self) -> None:
        if self._restart is not None:
            self._restart.close()
        if self._server is not None:
            self._server.stop()

    def _hangs(self, now_s: float) -> bool:
        try:
            ping(self.url, _ANSWERS_WITHIN_S)
        except BusUnavailableError as error:
            if now_s - self._answered_s < _SILENT_AT_MOST_S:
                return False
            log.error("the queue's server has not answered for %.0f s: %s", now_s - self._answered_s, error)
            return True
        self._answered_s = time.monotonic()
        return False

    def _start_again(self, now_s: float) -> None:
        words = self._server.log_tail() if self._server else ""
        if self._server is not None:
            self._server.kill()
        self._starts = 1 if now_s - self._started_s > _STABLE_AFTER_S else self._starts + 1
        if self._starts > _STARTS_IN_A_ROW:
            raise FatalError(f"the queue's server died {self._starts} times in a row: {words}")
        log.error("the queue's server ended (%s); starting it again: nothing that it had is lost", words)
        self._restart = self._starting()

    def _continue_restart(self) -> None:
        """One step of the restart. A large file takes minutes to load, and the roles are looked after meanwhile."""
        if self._restart is None or next(self._restart, _DONE) is not _DONE:
            return
        self._restart = None
        self._check_at_s = time.monotonic() + _BACKOFF.delay_s(self._starts)


@contextmanager
def kept_queue(settings: Settings, stopped: Callable[[], bool] = lambda: False) -> Iterator[KeptQueue]:
    """Run the queue of DATA_DIR. Raises `ConfigurationError` when another `patchwatch serve` runs it, when its folder
    cannot be used, or when no server here can read what is kept; `StoppedError` once it is ``stopped`` while it
    starts."""
    folder = queue_folder(settings)
    with ExitStack() as stack:
        inherited = _claim(stack, folder)
        _check(folder / _AOF)
        _clean(folder)
        append_only_file.remove_zeros(folder / _AOF)
        queue = KeptQueue(folder, _socket(stack, folder), queue_memory_mb(settings), inherited)
        queue.start(stopped)
        stack.callback(queue.stop)
        address = folder / _ADDRESS
        _write_privately(address, queue.url)
        stack.callback(address.unlink, missing_ok=True)
        yield queue


def _claim(stack: ExitStack, folder: Path) -> int:
    """Lock the folder: one lock for this process, and a second one that the server holds for as long as it runs."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        serving, kept = (_opened(stack, folder / name) for name in ("serve.lock", "server.lock"))
    except OSError as error:
        raise ConfigurationError(
            f"{folder} cannot be used ({error.strerror or error}): correct its permissions, or set PATCHWATCH_DATA_DIR "
            "to a folder of yours"
        ) from None
    if not _locked(serving, within_s=0):
        raise ConfigurationError(
            f"another `patchwatch serve` runs with PATCHWATCH_DATA_DIR={folder.parent}: stop it, or give this one a "
            "folder of its own with --data-dir"
        )
    if not _locked(kept, within_s=_PREDECESSOR_ENDS_WITHIN_S):
        raise ConfigurationError(f"the server of an earlier start still runs in {folder}: end it, then start again")
    return kept


def _opened(stack: ExitStack, path: Path) -> int:
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    stack.callback(os.close, lock)
    return lock


def _locked(lock: int, within_s: float) -> bool:
    deadline_s = time.monotonic() + within_s
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline_s:
                return False
            time.sleep(0.05)
        else:
            return True


def _check(aof: Path) -> None:
    """Refuse a folder without the list of its files: Redis would start empty and overwrite what is there."""
    kept = [path.name for path in aof.glob("*") if path.suffix in (".aof", ".rdb") and "temp-" not in path.name]
    if kept and not (aof / "appendonly.aof.manifest").is_file():
        raise ConfigurationError(
            f"{aof} holds {kept[0]} but no appendonly.aof.manifest, without which it cannot be read: restore the whole "
            f"folder from a backup, or move it away (`mv {aof} {aof}.old`) to start empty"
        )


def _clean(folder: Path) -> None:
    """Delete the leftovers of a rewrite that was interrupted."""
    for path in (*folder.glob("temp-*"), *(folder / _AOF).glob("temp-*")):
        with suppress(OSError):
            path.unlink()


def _socket(stack: ExitStack, folder: Path) -> Path:
    """In the folder itself, or in a temporary one where its path would be too long for a socket, or where its file
    system holds none (exFAT, network shares)."""
    place = folder / _SOCKET
    if len(os.fsencode(place)) > LONGEST_SOCKET_PATH or not _holds_sockets(folder):
        room = LONGEST_SOCKET_PATH - len(f"/{_SOCKET}")
        place = stack.enter_context(scratch_folder("socket", room)) / _SOCKET
    return place


def _holds_sockets(folder: Path) -> bool:
    probe = folder / "probe.sock"
    probe.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as tried:
        try:
            tried.bind(str(probe))
        except OSError:
            return False
    probe.unlink()
    return True


def _write_privately(path: Path, text: str) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)


def _unreadable(folder: Path, refusals: list[str]) -> str:
    reasons = "; ".join(refusals)
    if "No space left" in reasons:
        return f"the disk of {folder} is full: make room, then start again ({reasons})"
    if not (folder / _AOF).is_dir():
        return reasons
    return (
        f"no server here can read the queue kept in {folder} ({reasons}). Nothing was changed. If a newer Redis or "
        "Valkey wrote it, install that again; if it is damaged, restore a backup. To start empty: "
        f"`mv {folder} {folder}.old`"
    )
