"""Every kind of key is either kept by a backup or left out for a reason that is written down."""

from __future__ import annotations

import re

from key_kinds import kinds_of

from patchwatch.backup.key_table import FENCES, KEPT, LEFT_OUT, is_left_out, known_key, templates
from patchwatch.bus import keys

NAMES = {
    "camera_id": "gate-1", "partition": 7, "partitions": 16, "webhook_id": "home", "channel_id": "phone",
    "enrolment_id": "0f1e", "alert_id": "gate-1-1795857285105", "token": "0" * 32, "role": "ingest",
    "worker_id": "host-1-ab-2-cd",
}  # fmt: skip
ALL = sorted(set(kinds_of(keys, NAMES)))


def test_a_new_kind_of_key_has_to_be_decided_about() -> None:
    undecided = [key for key in ALL if known_key(key) is None and not is_left_out(key)]
    assert not undecided, f"name these in patchwatch/backup/key_table.py: {undecided}"


def test_no_kind_is_both_and_none_is_twice() -> None:
    assert [key for key in ALL if known_key(key) is not None and is_left_out(key)] == []
    assert len(set(templates())) == len(list(templates()))
    assert len(ALL) == len(KEPT) + len(LEFT_OUT)


def test_a_key_is_put_together_of_its_names_again() -> None:
    for key in ALL:
        if (known := known_key(key)) is not None:
            again = known.kind.key(known.names, 16)
            assert re.sub(r"\{\d+\}", "", again) == re.sub(r"\{\d+\}", "", key)


def test_fencing_tokens_are_known_as_such() -> None:
    tokens = {key for key in ALL if re.search(r"fence(:|$)", key)}
    assert tokens == {key for key in ALL if any(fence.fullmatch(key) for fence in FENCES)}
