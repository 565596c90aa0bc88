"""Every kind of key is damaged by the tests of this folder: one that is new must be stocked too."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from stocked_redis import CAMERA, TOKEN, WEBHOOK

from patchwatch.bus import keys

PARTITIONS = 2
# What a stocked Redis has keys of, by the name that `patchwatch.bus.keys` gives to a parameter.
KNOWN = {
    "camera_id": CAMERA, "partition": keys.partition_of(CAMERA, PARTITIONS), "partitions": PARTITIONS,
    "webhook_id": WEBHOOK, "token": TOKEN, "enrolment_id": "e1", "role": "inference", "worker_id": "w",
}  # fmt: skip


def test_every_kind_of_key_is_stocked(stocked: Any) -> None:
    [alert_id] = stocked.client.zrange(keys.ALERTS_BY_TIME, 0, 0)
    present = {name.decode() for name in stocked.client.keys("*")}
    missing = set(kinds_of(keys, KNOWN | {"alert_id": alert_id.decode()})) - present
    assert not missing, f"let tests/support/stocked_redis.py write these: {sorted(missing)}"


def kinds_of(owner: Any, known: dict[str, Any]) -> Iterator[str]:
    """One key of each kind that a module, class or object can name."""
    for name, value in inspect.getmembers(owner):
        if name.startswith("__"):
            continue
        if isinstance(value, str) and value.startswith("pw:"):
            yield value
        elif inspect.isclass(value) and value.__module__ == keys.__name__:
            for made in instances(value, known):
                yield from kinds_of(made, known)
        elif callable(value) and not name.startswith("_") and getattr(value, "__module__", "") == keys.__name__:
            made = value(**arguments(value, known))
            if isinstance(made, str):
                yield made


def instances(kind: Any, known: dict[str, Any]) -> list[Any]:
    """By each of its ``of...`` constructors, or else by its own."""
    makers = [getattr(kind, name) for name in dir(kind) if name == "of" or name.startswith("of_")]
    makers = [maker for maker in makers if callable(maker)]
    return [maker(**arguments(maker, known)) for maker in makers or [kind]]


def arguments(function: Any, known: dict[str, Any]) -> dict[str, Any]:
    return {name: known[name] for name in inspect.signature(function).parameters}
