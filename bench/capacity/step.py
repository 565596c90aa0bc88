"""One step: so many cameras at a rate, watched while nobody asks anything, and then while users do."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from bench.capacity.clients import answer_times, fan_out, percentiles
from bench.capacity.site import Site
from patchwatch.messages.frames.score import Score

SETTLE_S = 10.0
_BACKLOG_S = 2.0  # of frames that wait: what a worker is about to take
_LOOK_EVERY_S = 2.0
_MEASURED_FOR = 2.5  # times the seconds that each part takes, in all
_ANSWERED_WITHIN_S = 20.0  # all that users ask
_ASKED = 5  # times for each answer
_LAG_SAMPLE = 250  # cameras
_TOP_COMMANDS = 10


@dataclass(frozen=True)
class Moment:
    """Totals since the start."""

    at_s: float
    cpu_s: dict[str, float]
    commands: int
    calls: Counter[str]
    bytes_in: int
    bytes_out: int
    redis_cpu_s: float

    @classmethod
    def now(cls, site: Site) -> Moment:
        stats, cpu = site.redis.info("stats"), site.redis.info("cpu")
        calls = {name.removeprefix("cmdstat_"): one["calls"] for name, one in site.redis.info("commandstats").items()}
        return cls(
            time.monotonic(), site.cpu_s(), stats["total_commands_processed"], Counter(calls),
            stats["total_net_input_bytes"], stats["total_net_output_bytes"],
            cpu["used_cpu_user_main_thread"] + cpu["used_cpu_sys_main_thread"],
        )  # fmt: skip


def takes_s(seconds: float) -> float:
    """How long a step takes once its cameras are scored."""
    return SETTLE_S + _MEASURED_FOR * seconds + _ANSWERED_WITHIN_S


def measure(
    site: Site, cameras: int, fps: float, seconds: float, listeners: int, scored_within_s: float
) -> dict[str, Any]:
    """A row of the record, of the time after the backlog of the start is gone. Cameras that have no score within
    ``scored_within_s`` are counted, and it is measured without them; so it is with a backlog that is there still."""
    began_s = time.monotonic()
    site.resize(cameras, fps)
    since_ms = round(time.time() * 1000)
    with suppress(TimeoutError):
        site.wait_until("all cameras are scored", lambda: site.unscored(since_ms) == 0, scored_within_s)
    all_scored_s = time.monotonic() - began_s
    unscored = site.unscored(since_ms)
    settled = _has_settled(site, cameras * fps * _BACKLOG_S, began_s + scored_within_s)
    settled_s = time.monotonic() - began_s
    time.sleep(SETTLE_S)
    quiet = _quiet(site, seconds)
    answers = answer_times(site, _ASKED)
    alerts = asyncio.run(fan_out(site, listeners, 0, seconds))
    before = Moment.now(site)
    with_readers = asyncio.run(fan_out(site, listeners, 2, seconds / 2))
    streaming = _rates(before, Moment.now(site))
    return {
        "cameras": cameras, "fps": fps, "all_scored_after_s": round(all_scored_s, 1), "unscored_cameras": unscored,
        "settled_after_s": round(settled_s, 1) if settled else None,
        "began_to_end_s": round(time.monotonic() - began_s, 1), **quiet, "answer_ms": answers,
        "alerts": alerts, "while_scores_are_read": with_readers | streaming,
    }  # fmt: skip


def _has_settled(site: Site, most: float, deadline_s: float) -> bool:
    """Whether no more frames than so many wait before that time (monotonic)."""
    while backlog(_frames(site)) > most:
        if time.monotonic() > deadline_s:
            return False
        time.sleep(_LOOK_EVERY_S)
    return True


def backlog(frames: Mapping[str, int]) -> int:
    """Of frames by what became of them, those that wait."""
    return frames["published"] - sum(count for name, count in frames.items() if name != "published")


def _quiet(site: Site, seconds: float) -> dict[str, Any]:
    before, frames_before, since_ms = Moment.now(site), _frames(site), round(time.time() * 1000)
    time.sleep(seconds)
    after, frames_after = Moment.now(site), _frames(site)
    took_s = after.at_s - before.at_s
    frames = {name: round((frames_after[name] - frames_before[name]) / took_s, 2) for name in sorted(frames_after)}
    return {
        "seconds": round(took_s, 1), "frames_per_s": frames, "lag_ms": percentiles(_lags_ms(site, since_ms)),
        **_rates(before, after),
        "redis_used_mib": round(site.redis.info("memory")["used_memory"] / 2**20, 1),
        "redis_connections": site.redis.info("clients")["connected_clients"],
        "redis_keys": site.redis.dbsize(), "resident_mib": site.memory_mib(),
    }  # fmt: skip


def _rates(before: Moment, after: Moment) -> dict[str, Any]:
    took_s = after.at_s - before.at_s
    calls = Counter({name: (count - before.calls[name]) / took_s for name, count in after.calls.items()})
    return {
        "cores": {kind: round((used - before.cpu_s[kind]) / took_s, 4) for kind, used in after.cpu_s.items()},
        "redis_thread_load": round((after.redis_cpu_s - before.redis_cpu_s) / took_s, 4),
        "redis_commands_per_s": round((after.commands - before.commands) / took_s, 1),
        "redis_mb_per_s": {
            "in": round((after.bytes_in - before.bytes_in) / took_s / 1e6, 3),
            "out": round((after.bytes_out - before.bytes_out) / took_s / 1e6, 3),
        },
        "most_commands_per_s": {name: round(rate, 1) for name, rate in calls.most_common(_TOP_COMMANDS)},
    }  # fmt: skip


def _frames(site: Site) -> Counter[str]:
    """Frames since each camera was added: published, scored, and dropped or lost by reason."""
    with site.redis.pipeline(transaction=False) as pipe:
        for camera_id in site.cameras:
            pipe.xinfo_stream(site.keys(camera_id).frames)
            pipe.hgetall(site.keys(camera_id).counters)
        answers = pipe.execute()
    total: Counter[str] = Counter()
    for info, counters in zip(answers[::2], answers[1::2], strict=True):
        total["published"] += int(info["last-generated-id"].split(b"-")[0])
        for name, count in counters.items():
            total[name.decode()] += int(count)
    return total


def _lags_ms(site: Site, since_ms: int) -> list[float]:
    """From capture to score, of the frames of some cameras that were captured since then."""
    every = max(1, len(site.cameras) // _LAG_SAMPLE)
    lags = []
    for camera_id in site.cameras[::every]:
        for _, fields in site.redis.xrange(site.keys(camera_id).scores, min=since_ms):
            score = Score.decode(fields)
            lags.append((score.scored_at_ns - score.captured_at_ns) / 1e6)
    return lags
