"""Keys of a camera live together, apart from those of others."""

from __future__ import annotations

import re
from functools import cached_property

from hypothesis import given
from hypothesis import strategies as st

from patchwatch.bus.keys import CameraKeys, LeaseKeys, fence, lease, partition_of

ids = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,62}", fullmatch=True)


def test_the_partition_of_a_camera_never_changes() -> None:
    assert [partition_of(name, 16) for name in ("door", "yard", "cam-1")] == [13, 8, 0]  # CRC-32 modulo 16


@given(camera_id=ids, partitions=st.integers(1, 1024))
def test_all_keys_of_a_camera_share_the_hash_tag_of_its_lease(camera_id: str, partitions: int) -> None:
    keys = CameraKeys.for_camera(camera_id, partitions)
    assert 0 <= keys.partition < partitions
    tags = {re.findall(r"\{(.*?)\}", key)[0] for key in (*keys.all, lease(keys.partition), fence(keys.partition))}
    assert tags == {str(keys.partition)}


@given(first=ids, second=ids)
def test_two_cameras_share_no_key(first: str, second: str) -> None:
    if first != second:
        assert not set(CameraKeys(first, 0).all) & set(CameraKeys(second, 0).all)


def test_everything_of_a_camera_is_deleted_with_it() -> None:
    keys = CameraKeys.for_camera("door", 16)
    properties = (property, cached_property)
    result = [getattr(keys, name) for name, kind in vars(CameraKeys).items() if isinstance(kind, properties)]
    named = {value for value in result if isinstance(value, str)}
    assert set(keys.all) == named


def test_the_leases_of_a_camera_and_of_its_partition_are_distinguished() -> None:
    partition = CameraKeys.for_camera("cam", 16).partition
    capture, scoring = LeaseKeys.for_capture("cam", 16), LeaseKeys.for_partition(partition)
    names = [key for unit in (capture, scoring) for key in (unit.lease, unit.fence, unit.request)]
    assert len(set(names)) == 6
    assert all(name.startswith(f"pw:{{{partition}}}:") for name in names)
    assert (scoring.lease, scoring.fence) == (lease(partition), fence(partition))
