"""Every kind of key is damaged by the tests of this folder: one that is new must be stocked too."""

from __future__ import annotations

from typing import Any

from key_kinds import kinds_of
from stocked_redis import CAMERA, CHANNEL, TOKEN, WEBHOOK

from patchwatch.bus import keys

PARTITIONS = 2
# What a stocked Redis has keys of, by the name that `patchwatch.bus.keys` gives to a parameter.
KNOWN = {
    "camera_id": CAMERA, "partition": keys.partition_of(CAMERA, PARTITIONS), "partitions": PARTITIONS,
    "webhook_id": WEBHOOK, "channel_id": CHANNEL, "token": TOKEN, "enrolment_id": "e1",
    "role": "inference", "worker_id": "w",
}  # fmt: skip


def test_every_kind_of_key_is_stocked(stocked: Any) -> None:
    [alert_id] = stocked.client.zrange(keys.ALERTS_BY_TIME, 0, 0)
    present = {name.decode() for name in stocked.client.keys("*")}
    missing = (
        set(kinds_of(keys, KNOWN | {"alert_id": alert_id.decode()})) - present - {keys.USERS, keys.RESTORING}
    )  # these two shut the door
    assert not missing, f"let tests/support/stocked_redis.py write these: {sorted(missing)}"
