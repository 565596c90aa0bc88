"""Which worker shall own which unit: a pure function that every worker computes from the same data in Redis."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from heapq import heapify, heappop, heappush


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
    movable = _Movable(weights, shares, pinned)
    while move := movable.best_move(loads):
        unit, idlest = move
        loads[shares[unit]] -= weights[unit]
        loads[idlest] += weights[unit]
        shares[unit] = idlest
    return shares


class _Movable:
    """Each member's units that may move, by weight, the first by name on top: thousands of units have few weights."""

    def __init__(self, weights: Mapping[str, int], shares: Mapping[str, str], pinned: Collection[str]) -> None:
        self._units: dict[str, dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
        for unit, owner in shares.items():
            if weights[unit] > 0 and unit not in pinned:
                self._units[owner][weights[unit]].append(unit)
        for of_member in self._units.values():
            for names in of_member.values():
                heapify(names)

    def best_move(self, loads: Mapping[str, int]) -> tuple[str, str] | None:
        """The move from the busiest member that can spare a unit to the idlest one which evens the two out most. The
        unit is the idlest one's from then on."""
        idlest = min(loads, key=lambda member: (loads[member], member))
        for busy in sorted(loads, key=lambda member: (-loads[member], member)):
            spare, units = loads[busy] - loads[idlest], self._units[busy]
            fitting = [(abs(spare - 2 * weight), names[0], weight) for weight, names in units.items() if weight < spare]
            if fitting:
                _, unit, weight = min(fitting)
                heappop(units[weight])
                if not units[weight]:
                    del units[weight]
                heappush(self._units[idlest][weight], unit)
                return unit, idlest
        return None
