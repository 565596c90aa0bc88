"""The Redis of an installation: version, memory, persistence, speed, clock."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from patchwatch.bus.connection import NO_CLUSTER
from patchwatch.contract.settings import Settings
from patchwatch.doctor.finding import Finding, fail, ok, warn
from patchwatch.doctor.replication import check_replication

_OLDEST = (7, 0)  # Older ones lack `entries-added` in XINFO STREAM.
_SLOW_MS, _TOO_SLOW_MS = 20.0, 1000.0
_CLOCK_WARN_S = 2.0
_PINGS = 5
_LIMIT = "its maxmemory (PATCHWATCH_QUEUE_MEMORY_MB where PATCHWATCH_REDIS_URL is not set)"
# Estimates, bytes: a frame of 640x360 as JPEG, a score and a minute in their streams, and all else of a camera
# (state, its alerts' pictures at some ten a day).
_FRAME_BYTES_PER_PIXEL, _SCORE_BYTES, _MINUTE_BYTES, _REST_BYTES = 0.15, 130, 45, 8_000_000


def needed_bytes(settings: Settings, cameras: int) -> int:
    """Memory that so many cameras may take in Redis under these settings (an estimate)."""
    frame = settings.max_side_px**2 * 9 / 16 * _FRAME_BYTES_PER_PIXEL
    scores = settings.score_retention_hours * 3600 * settings.analysis_fps * _SCORE_BYTES
    minutes = settings.minute_retention_days * 1440 * _MINUTE_BYTES
    return round(cameras * (settings.queue_frames * frame + scores + minutes + _REST_BYTES))


def check_server(client: Any, settings: Settings, cameras: int) -> Iterator[Finding]:
    """Raises redis-py's errors when Redis does not answer or refuses a command."""
    info = client.info()
    yield _version(info)
    yield _memory(info, needed_bytes(settings, cameras), cameras)
    yield _policy(info)
    yield _persistence(info)
    yield from check_replication(settings, info)
    yield _latency(client)
    yield _clock(client)


def _version(info: dict[str, Any]) -> Finding:
    version = str(info["redis_version"])
    if tuple(int(part) for part in version.split(".")[:2]) < _OLDEST:
        return fail("redis version", f"frames could not be counted: Redis is {version}, install 7.0 or newer")
    if info.get("cluster_enabled"):
        return fail("redis version", NO_CLUSTER)
    if info.get("role", "master") != "master":
        return fail(
            "redis version",
            "nothing can be written, because this Redis is a replica: set PATCHWATCH_REDIS_URL to the primary",
        )
    valkey = info.get("valkey_version")
    return ok("redis version", version if valkey is None else f"Valkey {valkey}, which answers as Redis {version}")


def _memory(info: dict[str, Any], needed: int, cameras: int) -> Finding:
    limit, used = int(info.get("maxmemory", 0)), int(info.get("used_memory", 0))
    estimate = f"{cameras} cameras may need about {_mb(needed)}"
    if limit == 0:
        return warn("redis memory", f"Redis may take all memory of its machine: set its maxmemory; {estimate}")
    if used >= limit:
        return fail(
            "redis memory",
            f"no new frame is taken, because Redis is full ({_mb(used)} of {_mb(limit)}): raise {_LIMIT}; {estimate}",
        )
    if needed > limit:
        return warn(
            "redis memory",
            f"Redis may become full: {estimate}, its limit is {_mb(limit)}; raise {_LIMIT}, or lower "
            "PATCHWATCH_SCORE_RETENTION_HOURS or PATCHWATCH_QUEUE_FRAMES",
        )
    return ok("redis memory", f"{_mb(used)} of {_mb(limit)} used; {estimate}")


def _policy(info: dict[str, Any]) -> Finding:
    policy = str(info.get("maxmemory_policy", "noeviction"))
    if policy == "noeviction":
        return ok("redis eviction", policy)
    return fail(
        "redis eviction",
        f"whole cameras are deleted when memory is short (maxmemory-policy {policy}): run "
        "`CONFIG SET maxmemory-policy noeviction` in Redis",
    )


def _persistence(info: dict[str, Any]) -> Finding:
    if info.get("rdb_last_bgsave_status", "ok") != "ok" or info.get("aof_last_write_status", "ok") != "ok":
        return fail(
            "redis persistence",
            "a restart of Redis would lose data, because its last save failed: see its log and its disk",
        )
    if info.get("aof_last_bgrewrite_status", "ok") != "ok":
        return fail(
            "redis persistence",
            "the disk of Redis will fill up, because its append-only file could not be rewritten: see its log, its "
            "disk and the machine's memory",
        )
    if info.get("aof_enabled"):
        return ok("redis persistence", "append-only file: data survives a restart")
    if int(info.get("rdb_last_save_time", 0)) and int(info.get("rdb_saves", 0)):
        return ok(
            "redis persistence",
            "snapshots: a restart loses what came after the last one; to lose less, `CONFIG SET appendonly yes`",
        )
    return warn(
        "redis persistence",
        "a restart of Redis loses all cameras, scores and alerts: run `CONFIG SET appendonly yes` in Redis",
    )


def _latency(client: Any) -> Finding:
    times_ms = []
    for _ in range(_PINGS):
        began_s = time.perf_counter()
        client.ping()
        times_ms.append((time.perf_counter() - began_s) * 1000)
    worst_ms = max(times_ms)
    text = f"PING takes up to {worst_ms:.1f} ms"
    if worst_ms > _TOO_SLOW_MS:
        return fail("redis latency", f"frames will be dropped, as {text}: see `redis-cli --latency` and SLOWLOG GET")
    if worst_ms > _SLOW_MS:
        return warn("redis latency", f"every frame is delayed, as {text}: see `redis-cli --latency` and SLOWLOG GET")
    return ok("redis latency", text)


def _clock(client: Any) -> Finding:
    before_s = time.time()
    seconds, microseconds = client.time()
    after_s = time.time()
    off_s = seconds + microseconds / 1e6 - (before_s + after_s) / 2
    text = f"{abs(off_s):.3f} s {'behind' if off_s > 0 else 'ahead of'} Redis"
    if abs(off_s) > _CLOCK_WARN_S:
        # Frames, scores and alerts have the times of Redis' clock on every host (docs/decisions/025).
        return warn(
            "clock",
            f"times in the log, dates of banks and signatures of webhooks are wrong, as this host is {text}: run NTP "
            "on both",
        )
    return ok("clock", f"this host is {text}")


def _mb(size: int) -> str:
    return f"{size / 1e6:.0f} MB"
