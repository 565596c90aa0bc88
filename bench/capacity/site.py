"""An installation of simulated cameras: a Redis, and the processes of all roles, on loopback."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import redis

from bench.capacity.stand_in_engine import PROFILE, PROFILES_FILE, learnt_bank, stand_in_engine
from models.banks.bank_file import save_bank
from patchwatch.bus import keys
from patchwatch.bus.keys import CameraKeys
from patchwatch.contract.settings import Settings
from patchwatch.local_redis.server_program import first_program
from patchwatch.messages.cameras.camera import Camera

_STOP_S = 20.0
_TICKS = os.sysconf("SC_CLK_TCK")
_MEMORY = "4gb"


class Site:
    """``workers``: how many of ingest, and how many of inference. Use as a context manager."""

    def __init__(self, folder: Path, *, port: int, workers: int, frame_ms: float, settings: Mapping[str, Any]) -> None:
        self.folder = folder
        self.redis_port = port
        profiles = folder / "profiles.toml"
        profiles.write_text(PROFILES_FILE)
        given: dict[str, Any] = {
            "redis_url": f"redis://127.0.0.1:{port}/0", "data_dir": folder / "data", "port": port + 1,
            "rtsp_port": port + 2, "partitions": 64, "profiles_file": profiles, "default_profile": PROFILE,
            "self_arm": False, "adopt_publishers": "off", "memory_mb": 0, "evidence": False, "log_level": "warning",
        }  # fmt: skip
        self.settings = Settings.model_validate(given | dict(settings))
        self.redis: Any = redis.Redis(port=port, socket_timeout=30)
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{port + 1}", timeout=60.0)
        self.processes: dict[str, list[subprocess.Popen[bytes]]] = {}
        self.cameras: list[str] = []
        self._unscored: list[str] = []
        self._workers, self._frame_ms = workers, frame_ms

    def __enter__(self) -> Site:
        try:
            self._start_all()
        except BaseException:
            self.close()
            raise
        return self

    def _start_all(self) -> None:
        self.start_redis()
        self._template = self.folder / "bank.safetensors"
        assert self.settings.profiles_file is not None
        save_bank(learnt_bank(stand_in_engine(self.settings.profiles_file, 0.0)), self._template)
        for role in ("service", "enrolment", "delivery"):
            self._start(role, ["-P", "-m", "patchwatch", "run", role, "--stop-with-parent"])
        for number in range(self._workers):
            for role in ("ingest", "inference"):
                self._start_simulated(role, number)
        self.wait_until("the service answers", self._answers, 300.0)

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End all processes."""
        self.http.close()
        self.redis.close()
        self.stop(list(self.processes))

    def stop(self, roles: Iterable[str]) -> None:
        """End processes of these roles, and forget them."""
        ending = [process for role in roles for process in self.processes.pop(role)]
        for process in ending:
            process.terminate()
        deadline_s = time.monotonic() + _STOP_S
        for process in ending:
            try:
                process.wait(max(0.1, deadline_s - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def start_redis(self) -> None:
        """Returns once it answers."""
        command = [
            str(first_program().path), "--port", str(self.redis_port), "--bind", "127.0.0.1", "--save", "",
            "--appendonly", "no", "--maxmemory", _MEMORY, "--maxmemory-policy", "noeviction", "--dir", str(self.folder),
        ]  # fmt: skip
        self.processes["redis"] = [subprocess.Popen(command, stdout=subprocess.DEVNULL, process_group=0)]
        self.wait_until("Redis answers", self._redis_answers, 10.0)

    def _redis_answers(self) -> bool:
        try:
            return bool(self.redis.ping())
        except redis.ConnectionError:
            return False

    def _start_simulated(self, role: str, number: int) -> None:
        command = ["-m", "bench.capacity.worker", role, "--frame-ms", str(self._frame_ms)]
        command += ["--threads-file", str(self.threads_file(number))]
        self._start(role, command, port_shift=number)

    def threads_file(self, number: int) -> Path:
        """Of an ingest worker: ids of its threads that publish."""
        return self.folder / f"publishing-{number}"

    def _start(self, role: str, command: Sequence[str], port_shift: int = 0) -> None:
        environment = self.settings.changed(rtsp_port=self.settings.rtsp_port + port_shift).environment()
        with (self.folder / f"{role}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, *command], env=environment, stdin=subprocess.PIPE, stdout=log, stderr=log,
                process_group=0,
            )  # fmt: skip
        self.processes.setdefault(role, []).append(process)

    def _answers(self) -> bool:
        try:
            return self.http.get("/readyz").is_success
        except httpx.HTTPError:
            return False

    def wait_until(self, what: str, condition: Callable[[], bool], within_s: float) -> None:
        """Raises `TimeoutError`, and `RuntimeError` once a process has ended."""
        deadline_s = time.monotonic() + within_s
        while not condition():
            ended = [role for role, group in self.processes.items() for one in group if one.poll() is not None]
            if ended:
                raise RuntimeError(f"{ended[0]} has ended: see {self.folder / ended[0]}.log")
            if time.monotonic() > deadline_s:
                raise TimeoutError(f"not within {within_s:g} s: {what}")
            time.sleep(0.5)

    def keys(self, camera_id: str) -> CameraKeys:
        return CameraKeys.for_camera(camera_id, self.settings.partitions)

    def resize(self, count: int, fps: float) -> None:
        """So many cameras at this rate, each with a bank; written as the service writes them, but all at once."""
        self.cameras = [f"cam{number:05d}" for number in range(count)]
        self._unscored = self.cameras
        known = set(self.redis.hkeys(keys.CAMERAS))
        with self.redis.pipeline(transaction=True) as pipe:
            for camera_id in self.cameras:
                if camera_id.encode() not in known:
                    self._place_bank(camera_id)
                camera = Camera(
                    id=camera_id, source="rtsp://127.0.0.1:9/simulated", profile=PROFILE, analysis_fps=fps,
                    incarnation=uuid.uuid4().hex, revision=1,
                )  # fmt: skip
                pipe.hset(keys.CAMERAS, camera_id, camera.encode())
            pipe.incr(keys.CAMERAS_REVISION)
            pipe.execute()

    def _place_bank(self, camera_id: str) -> None:
        path = self.settings.bank_path(camera_id, PROFILE)
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self._template, path)

    def unscored(self, since_ms: int) -> int:
        """How many cameras have no score since then, which is that of `resize`. Those that have one are not asked for
        again: that would be a load of its own."""
        with self.redis.pipeline(transaction=False) as pipe:
            for camera_id in self._unscored:
                pipe.xrange(self.keys(camera_id).scores, min=since_ms, count=1)
            rows = pipe.execute()
        self._unscored = [camera_id for camera_id, found in zip(self._unscored, rows, strict=True) if not found]
        return len(self._unscored)

    def cpu_s(self) -> dict[str, float]:
        """Processor time of each kind of process; that of the threads which publish is a kind of its own."""
        used = {role: sum(_cpu_s(Path(f"/proc/{one.pid}")) for one in group) for role, group in self.processes.items()}
        publishing = 0.0
        for number, process in enumerate(self.processes.get("ingest", ())):
            tids = self.threads_file(number).read_text().split() if self.threads_file(number).exists() else ()
            publishing += sum(_cpu_s(Path(f"/proc/{process.pid}/task/{tid}")) for tid in tids)
        return used | {"ingest": used.get("ingest", 0.0) - publishing, "simulated captures": publishing}

    def memory_mib(self) -> dict[str, float]:
        """Resident now, of all processes of each kind."""
        return {role: round(sum(_resident_mib(one.pid) for one in group), 1) for role, group in self.processes.items()}


def _cpu_s(folder: Path) -> float:
    fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _resident_mib(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))
