"""The service reads whatever stands in Redis: what it cannot read is left out, never a 5xx."""

from __future__ import annotations

import time
from typing import Any

import httpx
from fuzz_tally import Tally
from mutation import Mutator
from stocked_redis import CAMERA

KIND = "records read by the service"
_OF_CAMERA = f"/api/v1/cameras/{CAMERA}"
_ALERT = "/api/v1/alerts/{alert_id}"
_STATUSES = [f"{_OF_CAMERA}/status", "/api/v1/status", "/metrics", f"{_OF_CAMERA}/thresholds"]
_WEBHOOK = "/api/v1/webhooks/home"
_CHANNEL = "/api/v1/channels/phone"
# By a word in the name of the key, what is made of it.
PATHS = {
    "cameras": ["/api/v1/cameras", _OF_CAMERA, *_STATUSES],
    "enrolments": [f"{_OF_CAMERA}/enrolments", "/api/v1/enrolments", "/api/v1/enrolments/e1", *_STATUSES],
    "banks": [f"{_OF_CAMERA}/banks"],
    "worker": ["/readyz", "/metrics"],
    "alert": ["/api/v1/alerts", "/api/v1/alerts?state=open", "/metrics", _ALERT, f"{_ALERT}/explanation",
              "/api/v1/alerts?reviewed=true", "/api/v1/alerts?verdict=normal",
              f"{_ALERT}/snapshot.jpg", f"{_ALERT}/verdict"],
    "frames": [f"{_OF_CAMERA}/snapshot.jpg", *_STATUSES],
    "scores": [f"{_OF_CAMERA}/scores?from={{recently}}", f"{_OF_CAMERA}/scores?resolution=10", *_STATUSES],
    "minutes": [f"{_OF_CAMERA}/scores?resolution=60"],
    "state": [f"{_OF_CAMERA}/snapshot.jpg", f"{_OF_CAMERA}/explanation", *_STATUSES],
    "webhook": ["/api/v1/webhooks", _WEBHOOK, f"{_WEBHOOK}/dead", "/readyz", "/metrics"],
    "channel": ["/api/v1/channels", f"{_CHANNEL}/log", "/readyz", "/metrics"], "mutes": ["/api/v1/mutes"],
    "counters": _STATUSES, "capture": _STATUSES, "analysis": [*_STATUSES, f"{_OF_CAMERA}/snapshot.jpg"],
}  # fmt: skip


def test_the_service_answers_whatever_stands_in_redis(tally: Tally, stocked: Any, service: Any) -> None:
    [alert_id] = [name.decode() for name in stocked.client.zrange("pw:alerts:by-time", 0, 0)]
    known = {"alert_id": alert_id, "recently": time.time_ns() // 1_000_000 - 20_000}
    failures = []
    with httpx.Client(base_url=service.url, timeout=10) as client:
        for mutator in tally.mutators(KIND):
            name = damage(mutator, stocked.client)
            paths = next((paths for word, paths in PATHS.items() if word in name), _STATUSES)
            statuses = {path: status_of(client, path.format(**known)) for path in paths}
            missing = statuses.get("/readyz") == 503  # a beat that cannot be read is none
            worst = {path: status for path, status in statuses.items() if status >= 500 and path != "/readyz"}
            tally.count(KIND, "left out" if missing or 404 in statuses.values() else "read or skipped")
            if worst:
                failures.append((tally.now_at, name, worst))
            stocked.reset()
    assert not failures, failures[:10]
    service.check()


def damage(mutator: Mutator, client: Any) -> str:
    """Change one value of one key, whatever its type; returns the key."""
    name = mutator.random.choice(sorted(client.keys("*")))
    match client.type(name):
        case b"string":
            client.set(name, mutator.damaged(client.get(name)))
        case b"hash":
            field, value = mutator.random.choice(sorted(client.hgetall(name).items()))
            if mutator.random.random() < 0.15:
                field = mutator.damaged(field)
            client.hset(name, field, mutator.damaged(value))
        case b"stream":
            damage_entry(mutator, client, name)
        case b"list":
            client.lset(name, 0, mutator.damaged(client.lindex(name, 0)))
        case b"zset":
            client.zadd(name, {mutator.damaged(b"cam-1"): mutator.random.choice([0, -1, 1e17, 1.5, float("inf")])})
        case b"set":
            client.srem(name, member := mutator.random.choice(sorted(client.smembers(name))))
            client.sadd(name, mutator.damaged(member))
        case kind:
            raise AssertionError(f"{name!r} is a {kind!r}: say how to damage it")
    return str(name.decode())


def damage_entry(mutator: Mutator, client: Any, name: bytes) -> None:
    """The last entry of a stream comes once more, damaged."""
    [(entry_id, fields)] = client.xrevrange(name, count=1)
    changed = dict(fields)
    field = mutator.random.choice(sorted(changed))
    match mutator.random.randrange(10):
        case 0:
            changed[mutator.damaged(field)] = changed.pop(field)
        case 1:
            changed |= {b"other": mutator.binary(40)}
        case _:
            changed[field] = mutator.damaged(changed[field])
    milliseconds, number = (int(part) for part in entry_id.split(b"-"))
    following = f"{milliseconds}-{number + 1}" if mutator.random.random() < 0.2 else f"{milliseconds + 1}-0"
    client.xadd(name, changed, id=following)


def status_of(client: httpx.Client, path: str) -> int:
    """A broken connection is as bad as a 5xx: so ends a request that met a defect."""
    try:
        return client.get(path).status_code
    except httpx.TransportError:
        return 599
