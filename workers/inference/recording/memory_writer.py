"""Stores stretches of normal in a thread of its own, so that scoring waits for no disk."""

from __future__ import annotations

import logging
import queue
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from itertools import count
from pathlib import Path

from models.memory.store import MemoryStore
from models.memory.stretches.stretch import Stretch
from patchwatch.contract.errors import PatchwatchError, StorageError

_MOST_WAITING = 32  # stretches of up to 4 MB each
_LOG_EVERY_S = 60.0
_LOOK_EVERY_S = 0.5
_STOP_WITHIN_S = 5.0

log = logging.getLogger(__name__)


class MemoryDrop(StrEnum):
    """Why a stretch that should have been remembered was not."""

    QUEUE_FULL = "queue_full"  # the disk is slower than what comes
    DISK = "disk"  # it is full, or the folder cannot be written to
    TOO_LARGE = "too_large"  # for the budget
    FAILED = "failed"  # an unforeseen error: see the log


@dataclass(frozen=True)
class Remembered:
    """What a folder holds that fits the present engine. ``seconds``: those that may be learnt. ``newest_ms``: when the
    newest stretch began, Unix time, 0 without any."""

    seconds: float
    newest_ms: int
    bytes: int


class MemoryWriter:
    """Methods return at once and may be called from any thread. What does not fit the queue is dropped and counted."""

    def __init__(self, budget_mb: float) -> None:
        self.written = 0
        self.dropped: Counter[str] = Counter()
        self._budget_mb = budget_mb
        self._jobs: queue.Queue[Callable[[], object]] = queue.Queue(_MOST_WAITING)
        self._numbers = count()
        self._unwritten: dict[int, tuple[Path, Stretch]] = {}  # of the jobs, those that `store` gave, in their order
        self._erasures: set[Path] = set()  # at most one per camera that was removed
        self._remembered: dict[Path, Remembered] = {}
        self._stores: dict[Path, MemoryStore] = {}  # of the writing thread
        self._beginnings: dict[Path, str] = {}  # of it, too: ids of stretches whose rest is to come
        self._logged_s: dict[str, float] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="memory", daemon=True)

    def look_up(self, folder: Path, fingerprint: str) -> None:
        """Find out what the folder holds, for `remembered` to say."""
        self._put(partial(self._look_up, folder, fingerprint))

    def remembered(self, folder: Path) -> Remembered | None:
        """None while that is not known yet."""
        return self._remembered.get(folder)

    def store(self, folder: Path, stretch: Stretch) -> None:
        """Store a stretch in the folder."""
        number = next(self._numbers)
        self._unwritten[number] = folder, stretch  # first: the thread may be done with it before we go on
        if not self._put(partial(self._store_next, number)):
            del self._unwritten[number]
            self._drop(MemoryDrop.QUEUE_FULL, f"{folder}: the disk takes stretches too slowly")

    def unwritten(self, folder: Path) -> tuple[Stretch, ...]:
        """What was given for the folder and may not be on disk yet."""
        return tuple(stretch for where, stretch in tuple(self._unwritten.values()) if where == folder)

    def store_beginning(self, folder: Path, stretch: Stretch) -> None:
        """Store what there is of a stretch by now, in case this process is killed before the rest comes: the next one
        that is stored in the folder takes its place. Where there is no time for that, nothing is lost yet."""
        self._put(partial(self._store_beginning, folder, stretch))

    def drop_beginning(self, folder: Path) -> None:
        """What began there is not worth remembering after all."""
        self._put(partial(self._drop_beginning, folder))

    def note_failure(self, camera_id: str, error: Exception) -> None:
        """A frame could not be remembered, and a stretch ends for it."""
        self._drop(MemoryDrop.FAILED, camera_id, error)

    def release(self, folder: Path) -> None:
        """The folder is another worker's from now on, or nobody's: forget what it holds."""
        self._remembered.pop(folder, None)
        self._put(partial(self._stores.pop, folder, None))
        self._put(partial(self._beginnings.pop, folder, None))

    def erase(self, folder: Path) -> None:
        """Delete a folder with all that is below it, after what was to be stored in it before."""
        if not self._put(partial(self._erase, folder)):
            self._erasures.add(folder)

    def settle(self, within_s: float) -> bool:
        """Wait until what was given before is on disk; whether it is by then."""
        written = threading.Event()
        return self._put(written.set) and written.wait(within_s)

    def stop(self) -> None:
        """Write what waits, within a limit."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(_STOP_WITHIN_S)

    def _put(self, job: Callable[[], object]) -> bool:
        if self._thread.ident is None:
            self._thread.start()
        try:
            self._jobs.put_nowait(job)
        except queue.Full:
            return False
        return True

    def _run(self) -> None:
        while not (self._stopping.is_set() and self._jobs.empty() and not self._erasures):
            try:
                job = self._jobs.get(timeout=_LOOK_EVERY_S)
            except queue.Empty:
                if not self._erasures:
                    continue
                job = partial(self._erase, self._erasures.pop())
            try:
                job()
            except StorageError as error:
                self._drop(MemoryDrop.DISK, str(error))
            except Exception as error:  # noqa: BLE001 (border of a thread: what is not remembered ends nothing)
                self._drop(MemoryDrop.FAILED, repr(error), error)

    def _erase(self, folder: Path) -> None:
        for path in [path for path in self._stores if path.is_relative_to(folder)]:
            del self._stores[path]
            self._remembered.pop(path, None)
        try:
            shutil.rmtree(folder)
        except FileNotFoundError:
            return
        except OSError as error:
            log.error("%s is of a camera that was removed, and cannot be deleted (%s): delete it", folder, error)
        else:
            log.info("%s was deleted with its camera", folder)

    def _look_up(self, folder: Path, fingerprint: str) -> None:
        store = self._stores.setdefault(folder, MemoryStore(folder, self._budget_mb))
        infos = store.infos()
        fitting = [info for info in infos if info.identity == fingerprint]
        if len(fitting) < len(infos):
            log.warning(
                "%s: %d of %d stretches of normal were made with other weights or options, and are not used", folder,
                len(infos) - len(fitting), len(infos),
            )  # fmt: skip
        if store.damaged:
            log.warning("%s: %d stretches of normal are damaged, and are not used", folder, store.damaged)
        self._remembered[folder] = Remembered(
            seconds=sum(info.seconds * (1 - info.excluded) for info in fitting),
            newest_ms=max((info.started_ms for info in fitting), default=0),
            bytes=sum(info.bytes for info in fitting),
        )

    def _store_next(self, number: int) -> None:
        try:
            self._store(*self._unwritten[number])
        finally:
            del self._unwritten[number]

    def _store(self, folder: Path, stretch: Stretch) -> None:
        store = self._stores.setdefault(folder, MemoryStore(folder, self._budget_mb))
        if store.append(stretch) is None:
            self._drop(MemoryDrop.TOO_LARGE, f"{folder}: {self._budget_mb} MB are too few: raise PATCHWATCH_MEMORY_MB")
            return
        self._drop_beginning(folder)
        self.written += 1
        known = self._remembered.get(folder)
        if known is None:
            self._look_up(folder, stretch.identity.fingerprint)
            return
        size = sum(info.bytes for info in store.infos() if info.identity == stretch.identity.fingerprint)
        seconds = known.seconds + stretch.seconds * float(stretch.learnable.mean())
        self._remembered[folder] = Remembered(seconds, stretch.started_ms, size)

    def _store_beginning(self, folder: Path, stretch: Stretch) -> None:
        store = self._stores.setdefault(folder, MemoryStore(folder, self._budget_mb))
        info = store.append(stretch)
        self._drop_beginning(folder)
        if info is not None:
            self._beginnings[folder] = info.id

    def _drop_beginning(self, folder: Path) -> None:
        beginning = self._beginnings.pop(folder, None)
        if beginning is not None:
            self._stores.setdefault(folder, MemoryStore(folder, self._budget_mb)).remove(beginning)

    def _drop(self, reason: MemoryDrop, detail: str, error: Exception | None = None) -> None:
        self.dropped[reason.value] += 1
        now_s = time.monotonic()
        if now_s - self._logged_s.get(reason, float("-inf")) >= _LOG_EVERY_S:
            self._logged_s[reason] = now_s
            level = logging.ERROR if error and not isinstance(error, PatchwatchError) else logging.WARNING
            log.log(level, "normal is not remembered (%s): %s", reason.value, detail, exc_info=error)
