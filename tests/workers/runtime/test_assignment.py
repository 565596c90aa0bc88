"""Shares are fair, complete, and move nothing without need."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from workers.runtime.assignment import rebalance

UNITS = st.sampled_from([str(n) for n in range(16)])
MEMBERS = st.sampled_from(["a", "b", "c", "d"])
OWNERS = st.dictionaries(UNITS, st.sampled_from(["a", "b", "c", "d", "gone"]))


def loads(weights: dict[str, int], shares: dict[str, str], members: set[str]) -> dict[str, int]:
    return {member: sum(weights[unit] for unit, owner in shares.items() if owner == member) for member in members}


@given(st.dictionaries(UNITS, st.integers(0, 5)), OWNERS, st.sets(MEMBERS, min_size=1))
def test_everything_free_gets_an_owner_and_the_result_is_final(
    weights: dict[str, int], owners: dict[str, str], members: set[str]
) -> None:
    shares = rebalance(weights, owners, members)
    foreign = {unit for unit, owner in owners.items() if owner not in members}
    assert shares.keys() == weights.keys() - foreign
    assert set(shares.values()) <= members
    assert rebalance(weights, owners | shares, members) == shares


@given(st.dictionaries(UNITS, st.integers(0, 5)), OWNERS, st.sets(MEMBERS, min_size=1), st.sets(UNITS))
def test_each_move_is_the_one_that_evens_two_members_out_most(
    weights: dict[str, int], owners: dict[str, str], members: set[str], pinned: set[str]
) -> None:
    owners = {unit: owner for unit, owner in owners.items() if unit in weights and owner in members}
    weights = {unit: weights[unit] for unit in owners}  # nothing is free
    assert rebalance(weights, owners, members, pinned) == plainly(weights, owners, members, pinned)


def plainly(weights: dict[str, int], owners: dict[str, str], members: set[str], pinned: set[str]) -> dict[str, str]:
    """The same by trying every unit of every member for each move."""
    shares = dict(owners)
    while True:
        busy_by = loads(weights, shares, members)
        idlest = min(members, key=lambda member: (busy_by[member], member))
        for busy in sorted(members, key=lambda member: (-busy_by[member], member)):
            spare = busy_by[busy] - busy_by[idlest]
            units = [unit for unit, owner in shares.items() if owner == busy and unit not in pinned]
            if fitting := [unit for unit in units if 0 < weights[unit] < spare]:
                shares[min(fitting, key=lambda unit: (abs(spare - 2 * weights[unit]), unit))] = idlest
                break
        else:
            return shares


@given(st.sets(UNITS), OWNERS, st.sets(MEMBERS, min_size=1))
def test_equal_weights_are_shared_to_within_one(units: set[str], owners: dict[str, str], members: set[str]) -> None:
    weights = dict.fromkeys(units, 1)
    known = {unit: owner for unit, owner in owners.items() if owner in members}
    result = loads(weights, rebalance(weights, known, members), members).values()
    assert max(result) - min(result) <= 1


@given(st.sets(UNITS, min_size=2), st.sets(UNITS))
def test_no_more_moves_than_it_takes(units: set[str], pinned: set[str]) -> None:
    weights = dict.fromkeys(units, 1)
    shares = rebalance(weights, dict.fromkeys(units, "a"), {"a", "b"}, pinned)
    moved = [unit for unit, owner in shares.items() if owner == "b"]
    assert len(moved) == min(len(units) // 2, len(units - pinned))
    assert not pinned & set(moved)


def test_two_workers_with_two_cameras_have_one_each() -> None:
    shares = rebalance({"3": 1, "11": 1}, {"3": "a", "11": "a"}, {"a", "b"})
    assert sorted(shares.values()) == ["a", "b"]


def test_what_has_more_cameras_weighs_more() -> None:
    shares = rebalance({"1": 3, "2": 1, "3": 1, "4": 1}, {}, {"a", "b"})
    assert loads({"1": 3, "2": 1, "3": 1, "4": 1}, shares, {"a", "b"}) == {"a": 3, "b": 3}


def test_one_heavy_camera_stays_where_it_is() -> None:
    assert rebalance({"1": 5}, {"1": "a"}, {"a", "b"}) == {"1": "a"}
