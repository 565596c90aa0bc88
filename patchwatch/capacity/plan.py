"""From a number of cameras to what has to run for them, and to what gives way first when they become more."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from patchwatch.capacity.figures import Figures
from patchwatch.contract.errors import RejectedError
from patchwatch.messages.cameras.camera import MAX_CAMERAS

_CAPTURED_FPS, _CAPTURED_AT = 10.0, "360p"  # of the video that the cost of a capture was measured with
_REDIS_LOAD = 0.7  # of its one thread
_MAX_CLIENTS, _OTHER_CLIENTS = 10_000, 500  # of a Redis as it comes, and those that are none of a capture
_MOST_ASKED = 1_000_000  # cameras
_INGEST_CORES = 4  # of one ingest worker, as the Helm chart limits it


class Video(StrEnum):
    """The size of the cameras' video."""

    P360 = "360p"
    P720 = "720p"
    P1080 = "1080p"


@dataclass(frozen=True)
class Order:
    """What is asked for. ``fps``: analysed. ``partitions``, ``target_load``, ``score_hours``: as in the settings."""

    cameras: int
    profile: str
    fps: float = 5.0
    video: Video = Video.P1080
    video_fps: float = 15.0
    gpu: bool = False
    partitions: int = 64
    target_load: float = 0.7
    score_hours: float = 6.0


@dataclass(frozen=True)
class Process:
    """Processes of one role: how many, the cores that all of them keep busy, and their memory."""

    role: str
    count: int
    cores: float
    memory_mib: float
    source: str


@dataclass(frozen=True)
class Limit:
    """What gives way beyond so many cameras, and what to do then. ``splits``: nothing helps but another installation,
    or to ask for less."""

    what: str
    cameras: int
    remedy: str
    source: str
    splits: bool = True


@dataclass(frozen=True)
class Plan:
    """What an order takes. ``limits``: the one that is reached first is first."""

    order: Order
    frames_per_s: float
    processes: tuple[Process, ...]
    gpus: int
    redis_memory_mib: float
    redis_commands_per_s: float
    redis_load: float
    redis_network_mb_per_s: float
    log_gb_per_day: float
    disk_gb: float
    limits: tuple[Limit, ...]
    estimates: tuple[str, ...]

    @property
    def cores(self) -> float:
        return sum(process.cores for process in self.processes)

    @property
    def installations(self) -> int:
        """As how many installations, each with a Redis of its own, this many cameras are within the limits that nothing
        else moves."""
        return math.ceil(self.order.cameras / max(1, min(limit.cameras for limit in self.limits if limit.splits)))

    @property
    def broken(self) -> tuple[Limit, ...]:
        """The limits that this many cameras are beyond."""
        return tuple(limit for limit in self.limits if limit.cameras < self.order.cameras)


def plan(order: Order, figures: Figures) -> Plan:
    """Raises `RejectedError` for an order of nothing, or of a profile that was not measured."""
    if order.cameras < 1 or order.fps <= 0 or order.video_fps < order.fps:
        raise RejectedError("a plan needs at least one camera, and video of at least as many frames/s as are analysed")
    frames_per_s = order.cameras * order.fps
    inference = _inference(order, figures)
    network = 2 * frames_per_s * figures.frames.picture_kb / 1000  # once in, once out
    disk_mb = figures.disk.banks_mb + figures.disk.memory_mb
    return Plan(
        order=order,
        frames_per_s=frames_per_s,
        processes=(_ingest(order, figures), inference, *_rest(order, figures)),
        gpus=math.ceil(inference.count * _gpu_load(order, figures)) if _uses_gpu(order, figures) else 0,
        redis_memory_mib=figures.redis.base_mib + order.cameras * _redis_mib(order, figures),
        redis_commands_per_s=_commands_per_s(order, figures),
        redis_load=_redis_load(order, figures),
        redis_network_mb_per_s=network,
        log_gb_per_day=frames_per_s * figures.log.kb_a_frame * 86_400 / 1e6,
        disk_gb=order.cameras * disk_mb / 1000,
        limits=_limits(order, figures),
        estimates=_estimates(order, figures),
    )


def _uses_gpu(order: Order, figures: Figures) -> bool:
    return order.gpu and figures.profile(order.profile).network_share > 0


def _gpu_load(order: Order, figures: Figures) -> float:
    """Share of its time that a busy worker keeps a GPU busy."""
    cost = figures.profile(order.profile)
    on_gpu = cost.network_share / figures.estimates.gpu_times_faster
    return on_gpu / (on_gpu + 1 - cost.network_share)


def _frame_s(order: Order, figures: Figures) -> tuple[float, float]:
    """Seconds of a worker, and of processors, that a frame takes."""
    cost = figures.profile(order.profile)
    whole_s = cost.core_ms / cost.threads / 1000
    if not _uses_gpu(order, figures):
        return whole_s, cost.core_ms / 1000
    beside_s = whole_s * (1 - cost.network_share)
    return beside_s + whole_s * cost.network_share / figures.estimates.gpu_times_faster, beside_s


def _inference(order: Order, figures: Figures) -> Process:
    cost = figures.profile(order.profile)
    worker_s, core_s = _frame_s(order, figures)
    frames_per_s = order.cameras * order.fps
    count = max(1, math.ceil(frames_per_s * worker_s / order.target_load))
    return Process("inference", count, frames_per_s * core_s, count * cost.worker_mib, f"{cost.record}: {cost.of}")


def _ingest(order: Order, figures: Figures) -> Process:
    rates = {Video.P360: figures.decoding.p360, Video.P720: figures.decoding.p720, Video.P1080: figures.decoding.p1080}
    decoding = order.video_fps / rates[order.video] - _CAPTURED_FPS / rates[Video(_CAPTURED_AT)]
    beside = figures.capture.cores * max(1.0, order.fps / figures.frames.fps)
    cores = order.cameras * max(0.0, beside + decoding)
    count = max(1, math.ceil(cores / _INGEST_CORES / order.target_load))
    source = f"{figures.capture.record}: {figures.capture.of}; decoding by {figures.decoding.record}"
    return Process("ingest", count, cores, order.cameras * figures.capture.mib, source)


def _rest(order: Order, figures: Figures) -> tuple[Process, ...]:
    redis, service, others = figures.redis, figures.service, figures.others
    load = _redis_load(order, figures)
    memory = redis.base_mib + order.cameras * _redis_mib(order, figures)
    return (
        Process("redis", 1, load, memory, f"{redis.record}: {redis.of}"),
        Process("service", 1, service.cores, service.mib, f"{service.record}: {service.of}"),
        Process("enrolment and delivery", 2, others.cores, others.mib, f"{others.record}: {others.of}"),
    )


def _commands_per_s(order: Order, figures: Figures) -> float:
    counts = figures.commands
    return counts.idle + order.cameras * (counts.a_camera + order.fps * counts.a_frame)


def _redis_load(order: Order, figures: Figures) -> float:
    """Share of its one thread: for cameras and their frames, and for the looks of all ingest workers at all leases."""
    thread = figures.thread
    others = _ingest(order, figures).count - 1  # one of them was measured with the cameras
    looks_s = order.cameras * others * figures.rounds.per_s * figures.rounds.redis_us / 1e6
    return thread.idle + order.cameras * (thread.a_camera_ms + order.fps * thread.a_frame_ms) / 1000 + looks_s


def _most_cameras(fits: Callable[[int], bool]) -> int:
    """The most cameras that something fits; it fits no more of them once it did not fit fewer."""
    return bisect_left(range(1, _MOST_ASKED), True, key=lambda cameras: not fits(cameras))


def _redis_mib(order: Order, figures: Figures) -> float:
    """Of one camera."""
    scores = figures.scores.mib_an_hour * order.score_hours
    frames_mib = (figures.redis.queue_mib + scores) * order.fps / figures.frames.fps
    return figures.redis.camera_mib + frames_mib + figures.estimates.minutes_mib


def _limits(order: Order, figures: Figures) -> tuple[Limit, ...]:
    """Of one Redis and its partitions; ingest and inference workers grow with the cameras."""
    thread, worker_s = figures.thread, _frame_s(order, figures)[0]
    by_thread = _most_cameras(lambda count: _redis_load(replace(order, cameras=count), figures) <= _REDIS_LOAD)
    by_network = figures.estimates.network_mb_s / (2 * order.fps * figures.frames.picture_kb / 1000)
    by_partitions = order.partitions * order.target_load / (order.fps * worker_s)
    found = (
        Limit(
            "Redis's one thread", by_thread, "a second installation with a Redis of its own, or lower rates",
            f"{thread.record}: {thread.of}; leases by {figures.rounds.record}",
        ),
        Limit(
            "cameras that an installation takes", MAX_CAMERAS, "a second installation",
            "patchwatch/messages/cameras/camera.py",
        ),
        Limit(
            "connections that Redis takes, one a camera", _MAX_CLIENTS - _OTHER_CLIENTS,
            "a higher maxclients of Redis, and as many open files for it", "as Redis comes", splits=False,
        ),
        Limit(
            "the network of Redis's host", int(by_network),
            "a quicker network, smaller pictures (PATCHWATCH_MAX_SIDE_PX), or a second installation",
            "estimate: pictures in and out over 10 Gbit/s",
        ),
        Limit(
            "inference workers, one a partition", int(by_partitions),
            "more partitions from the start (PATCHWATCH_PARTITIONS), or quicker processors",
            f"{figures.profile(order.profile).record}, and the demand's target of {order.target_load:g}", splits=False,
        ),
    )  # fmt: skip
    return tuple(sorted(found, key=lambda limit: limit.cameras))


def _estimates(order: Order, figures: Figures) -> tuple[str, ...]:
    """What of the plan was not measured."""
    said = [
        "a month of minutes and alerts is reckoned, and so is the network of Redis's host",
        "of frames, more than 28 cameras are extrapolated in proportion",
    ]
    if _uses_gpu(order, figures):
        times = figures.estimates.gpu_times_faster
        said.append(f"the GPU was not measured: its networks are taken to be {times:g} times as quick as two cores")
    elif order.gpu:
        said.append(f"the profile {order.profile} uses no GPU: nothing changes with one")
    return tuple(said)
