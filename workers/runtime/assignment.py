"""Which worker shall own which unit: a pure function that every worker computes from the same data in Redis."""

from __future__ import annotations

from collections.abc import Collection, Mapping


def rebalance(
    weights: Mapping[str, int],
    owners: Mapping[str, str],
    members: Collection[str],
    pinned: Collection[str] = (),
) -> dict[str, str]:
    """The member that shall own each unit.

    An owned unit stays where it is, unless moving it makes the busier of two members less busy: with equal weights
    shares differ by at most one, and a result passed back as ``owners`` changes nothing. Free units go to the least
    busy member, heaviest first. Units in ``pinned`` never move. A unit whose owner is no member is left out: it is not
    free yet.
    """
    shares = {unit: owner for unit, owner in owners.items() if owner in members and unit in weights}
    loads = dict.fromkeys(sorted(members), 0)
    for unit, owner in shares.items():
        loads[owner] += weights[unit]
    for unit in sorted(weights.keys() - owners.keys(), key=lambda unit: (-weights[unit], unit)):
        shares[unit] = min(loads, key=lambda member: (loads[member], member))
        loads[shares[unit]] += weights[unit]
    while move := _best_move(weights, shares, loads, pinned):
        unit, idlest = move
        loads[shares[unit]] -= weights[unit]
        loads[idlest] += weights[unit]
        shares[unit] = idlest
    return shares


def _best_move(
    weights: Mapping[str, int], shares: Mapping[str, str], loads: Mapping[str, int], pinned: Collection[str]
) -> tuple[str, str] | None:
    """The move from the busiest member that can spare a unit to the idlest one which evens the two out most."""
    idlest = min(loads, key=lambda member: (loads[member], member))
    for busy in sorted(loads, key=lambda member: (-loads[member], member)):
        spare = loads[busy] - loads[idlest]
        movable = [unit for unit, owner in shares.items() if owner == busy and unit not in pinned]
        fitting = [unit for unit in movable if 0 < weights[unit] < spare]
        if fitting:
            return min(fitting, key=lambda unit: (abs(spare - 2 * weights[unit]), unit)), idlest
    return None
