"""Reads the measured figures that a plan is computed from."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict, Field

from patchwatch.contract.errors import RejectedError


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Measured(_Section):
    """``record``: a file of ``bench/results``. ``of``: which of its figures."""

    record: str
    of: str


class Frames(_Section):
    """The frames that were measured with."""

    fps: float
    picture_kb: float
    of: str


class ProfileCost(_Measured):
    """What a profile takes in an inference worker. ``threads``: cores that one worker keeps busy. ``network_share``: of
    its time, that of networks that a GPU can run."""

    core_ms: float = Field(gt=0)
    threads: int = Field(ge=1)
    worker_mib: float
    network_share: float = 0.0


class Capture(_Measured):
    """What a camera takes in ingest."""

    cores: float
    mib: float


class Decoding(_Measured):
    """Frames a second that one core decodes."""

    p360: float = Field(alias="360p")
    p720: float = Field(alias="720p")
    p1080: float = Field(alias="1080p")


class Queue(_Measured):
    """Memory that Redis takes: whatever there is, for each camera, and for frames of one at the rate of `Frames`."""

    base_mib: float
    camera_mib: float
    queue_mib: float


class Thread(_Measured):
    """What Redis's one thread takes, in each second: whatever there is, for a camera, and for a frame's whole way."""

    idle: float
    a_camera_ms: float
    a_frame_ms: float


class Scores(_Measured):
    """Memory of scores in Redis."""

    mib_an_hour: float


class Log(_Measured):
    """What Redis writes to its append-only file."""

    kb_a_frame: float


class Disk(_Measured):
    """What a camera keeps in the data folder or the object store."""

    banks_mb: float
    memory_mb: float


class Share(_Measured):
    """What a process takes whatever the number of cameras."""

    cores: float
    mib: float


class Commands(_Measured):
    """Commands that Redis executes: for a frame, for a camera in each second beside its frames, and without any."""

    a_frame: float
    a_camera: float
    idle: float


class Rounds(_Measured):
    """What one ingest worker's look at all leases takes for each camera, of Redis and of itself; each looks so often a
    second."""

    redis_us: float
    worker_us: float
    per_s: float


class Estimates(_Section):
    """What was not measured."""

    network_mb_s: float
    minutes_mib: float
    gpu_times_faster: float
    gpu_mib: float


class Figures(_Section):
    """All of ``figures.toml``."""

    frames: Frames
    profiles: dict[str, ProfileCost]
    capture: Capture
    decoding: Decoding
    redis: Queue
    thread: Thread
    commands: Commands
    rounds: Rounds
    scores: Scores
    log: Log
    disk: Disk
    service: Share
    others: Share
    estimates: Estimates

    def profile(self, name: str) -> ProfileCost:
        """Raises `RejectedError` for a profile that was not measured."""
        if name not in self.profiles:
            known = ", ".join(self.profiles)
            raise RejectedError(f"what the profile {name!r} takes was not measured: choose one of {known}")
        return self.profiles[name]


@cache
def figures() -> Figures:
    """The figures that come with this version."""
    return Figures.model_validate(tomllib.loads(files("patchwatch.capacity").joinpath("figures.toml").read_text()))
