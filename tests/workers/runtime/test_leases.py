"""Leases are shared among the living, outlast nobody, and come back only to who may go on."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import redis

from patchwatch.bus import keys
from patchwatch.bus.connection import connect
from patchwatch.bus.keys import LeaseKeys
from patchwatch.contract.errors import LeaseLostError
from patchwatch.contract.roles import Role
from workers.runtime.leases import LEASE_S, Lease, Leases

UNITS = [LeaseKeys.for_partition(n) for n in range(4)]
WORK = dict.fromkeys(UNITS, 1)
Make = Callable[..., Leases]


@pytest.fixture
def make(bus_url: str) -> Iterator[Make]:
    """Workers whose rounds the test makes by hand."""
    with ExitStack() as stack:

        def made(work: dict[LeaseKeys, int] = WORK, **options: Any) -> Leases:
            leases = Leases(bus_url, Role.INFERENCE)
            leases.want(work, **options)
            stack.callback(leases.stop)
            return leases

        yield made


@pytest.fixture
def client(bus_url: str) -> Iterator[Any]:
    with connect(bus_url) as client:
        yield client


def settle(*workers: Leases, rounds: int = 4) -> None:
    """Rounds in turn, with everything given back at once that should be."""
    for _ in range(rounds):
        for worker in workers:
            worker._round()
            for unit in worker.leaving:
                worker.release(unit)


def counts(*workers: Leases) -> list[int]:
    return [len(worker.owned) for worker in workers]


def test_one_worker_takes_everything_at_its_first_round(make: Make) -> None:
    alone = make()
    alone._round()
    assert alone.owned.keys() == set(UNITS)
    assert alone.leaving == frozenset()


def test_whoever_joins_gets_a_share_and_whoever_leaves_gives_it_back(make: Make) -> None:
    first = make()
    settle(first)
    second, third = make(), make()
    settle(first, second, third)
    assert sorted(counts(first, second, third)) == [1, 1, 2]
    assert sum(counts(first, second, third)) == len({*first.owned, *second.owned, *third.owned})
    third.stop()
    settle(first, second)
    assert counts(first, second) == [2, 2]


def test_a_settled_share_moves_no_more(make: Make) -> None:
    first, second, third = make(), make(), make()
    settle(first, second, third)
    before = first.owned, second.owned, third.owned
    settle(first, second, third, rounds=5)
    assert (first.owned, second.owned, third.owned) == before


def test_nothing_is_taken_before_its_owner_gives_it_back(make: Make) -> None:
    first, second = make(), make()
    first._round()
    second._round()
    first._round()
    assert len(first.leaving) == 2
    second._round()
    assert counts(first, second) == [4, 0]
    gone = next(iter(first.leaving))
    first.release(gone)
    second._round()
    assert second.owned.keys() == {gone}


def test_what_nobody_wants_any_more_is_to_be_given_back(make: Make) -> None:
    alone = make()
    alone._round()
    alone.want({UNITS[0]: 1})
    alone._round()
    assert alone.leaving == set(UNITS[1:])


def test_pinned_units_stay_and_others_move_instead(make: Make) -> None:
    first = make(pinned=frozenset(UNITS[:2]))
    settle(first)
    second = make()
    settle(first, second)
    assert first.owned.keys() == set(UNITS[:2])
    assert second.owned.keys() == set(UNITS[2:])


def test_a_worker_that_claims_a_unit_gets_that_one_though_a_third_is_idle(make: Make) -> None:
    first, idle, claimant = make({UNITS[0]: 1}), make({UNITS[0]: 1}), make({UNITS[0]: 1})
    settle(first, idle, claimant)
    assert claimant.claim(UNITS[0]) is None
    settle(first, idle, claimant)
    assert claimant.claim(UNITS[0]) == claimant.owned[UNITS[0]]
    settle(first, idle, claimant)
    assert counts(first, idle, claimant) == [0, 0, 1]


def test_a_lease_that_expired_comes_back_the_same_when_nobody_had_it(make: Make, client: Any) -> None:
    alone = make()
    alone._round()
    before = alone.owned
    client.delete(*(unit.lease for unit in UNITS))
    alone._round()
    assert alone.owned == before
    assert client.get(UNITS[0].lease) == before[UNITS[0]]


def test_a_lease_comes_back_after_redis_lost_everything(make: Make, client: Any) -> None:
    alone = make()
    alone._round()
    before = alone.owned
    client.flushall()
    alone._round()
    assert alone.owned == before
    assert client.get(UNITS[0].fence) == b"1"


def test_a_lease_that_another_had_in_between_is_another_one(make: Make, client: Any) -> None:
    stood_still = make({UNITS[0]: 1})
    stood_still._round()
    before = stood_still.owned[UNITS[0]]
    client.delete(UNITS[0].lease)
    other = make({UNITS[0]: 1})
    assert other.claim(UNITS[0])
    other.release(UNITS[0])
    stood_still._round()
    assert stood_still.owned.get(UNITS[0]) != before
    with client.pipeline() as pipe, pytest.raises(LeaseLostError):
        Lease(UNITS[0], before).guard(pipe)


def test_of_two_that_reach_for_a_free_unit_one_gets_it(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    slow, quick = make({UNITS[0]: 1}), make({UNITS[0]: 1})
    queue_lease = Leases._queue_lease

    def late(self: Leases, pipe: Any, unit: LeaseKeys, token: int) -> bytes:
        if self is slow and not quick.owned:
            quick._take(UNITS[0])
        return queue_lease(self, pipe, unit, token)

    monkeypatch.setattr(Leases, "_queue_lease", late)
    slow._round()
    assert counts(slow, quick) == [0, 1]


OWN_AND_WAIT = """
import sys
from patchwatch.bus.keys import LeaseKeys
from patchwatch.contract.roles import Role
from workers.runtime.leases import Leases
leases = Leases(sys.argv[1], Role.INFERENCE)
leases.want({LeaseKeys.for_partition(n): 1 for n in range(4)})
leases._round()
print(len(leases.owned), flush=True)
input()
"""


@pytest.fixture
def owner(bus_url: str) -> Iterator[subprocess.Popen[str]]:
    """A process that owns everything and renews nothing."""
    with subprocess.Popen(
        [sys.executable, "-c", OWN_AND_WAIT, bus_url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "4\n"
        yield process
        process.kill()


def test_what_a_dead_process_of_this_machine_owned_is_taken_at_once(
    make: Make, owner: subprocess.Popen[str], client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for unit in UNITS:
        client.persist(unit.lease)
    heir = make()
    heir._round()
    assert heir.owned == {}
    owner.kill()
    owner.wait()
    heir._round()
    assert heir.owned.keys() == set(UNITS)


def test_what_a_living_process_does_not_renew_is_taken_once_it_expires(
    make: Make, owner: subprocess.Popen[str], client: Any
) -> None:
    heir = make()
    deadline_s = time.monotonic() + LEASE_S + 120
    while counts(heir) != [4]:
        assert time.monotonic() < deadline_s
        heir._round()
        time.sleep(0.02)
    assert [int(client.get(unit.fence)) for unit in UNITS] == [2, 2, 2, 2]
    assert client.zrange(keys.members("inference"), 0, -1) == [heir.worker.encode()]


def test_a_refusal_of_redis_does_not_end_the_renewing(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = make()

    def refuses() -> None:
        raise redis.ReadOnlyError("READONLY You can't write against a read only replica.")

    with monkeypatch.context() as patched:
        patched.setattr(alone, "_read", refuses)
        alone._round()
    alone._round()
    assert alone.owned.keys() == set(UNITS)


def test_what_is_ours_stays_ours_while_redis_is_full(bus_url: str) -> None:
    with connect(bus_url) as client:
        alone = Leases(bus_url, Role.INFERENCE)
        alone.want(dict.fromkeys(UNITS, 1))
        alone._round()
        client.config_set("maxmemory", 1)
        for unit in UNITS:
            client.pexpire(unit.lease, 2000)
        alone._round()
        assert alone.owned.keys() == set(UNITS)
        assert all(client.pttl(unit.lease) > 2000 for unit in UNITS)
        client.config_set("maxmemory", 0)
        alone.stop()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_renewing_that_died_is_not_taken_for_a_quiet_one(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = make()

    def defect() -> None:
        raise AssertionError("nobody foresaw this")

    monkeypatch.setattr(alone, "_round", defect)
    alone.start()
    alone._thread.join(timeout=120)
    with pytest.raises(RuntimeError, match="has died"):
        _ = alone.owned


def test_what_nobody_of_us_wrote_is_another_workers(make: Make, client: Any) -> None:
    client.set(UNITS[0].lease, b"\xff\xfe")
    client.set(UNITS[1].fence, "no number")
    client.set(UNITS[2].request, b"\xff")
    alone = make()
    alone._round()
    assert alone.owned.keys() == set(UNITS[1:])


def test_under_a_lease_that_expired_is_written_on_while_nobody_had_the_unit_since(make: Make, client: Any) -> None:
    """All leases end at once when the clock of Redis is set ahead."""
    alone = make({UNITS[0]: 1})
    alone._round()
    tenure = Lease(UNITS[0], alone.owned[UNITS[0]])
    client.delete(UNITS[0].lease)
    tenure.write(client, lambda pipe: pipe.set("written", 1))
    assert client.get("written") == b"1"
    assert client.get(UNITS[0].lease) is None, "a write keeps nobody from taking over"


@pytest.mark.parametrize("how", ["released", "taken and given back", "forgotten by Redis"])
def test_under_a_lease_that_is_over_nothing_is_written(make: Make, client: Any, how: str) -> None:
    alone = make({UNITS[0]: 1})
    alone._round()
    tenure = Lease(UNITS[0], alone.owned[UNITS[0]])
    if how == "released":
        alone.release(UNITS[0])
    elif how == "forgotten by Redis":
        client.flushall()
    else:
        client.delete(UNITS[0].lease)
        other = make({UNITS[0]: 1})
        assert other.claim(UNITS[0])
        client.delete(UNITS[0].lease)
    with pytest.raises(LeaseLostError):
        tenure.write(client, lambda pipe: pipe.set("written", 1))
    assert client.get("written") is None


def test_who_takes_over_in_the_middle_of_a_write_under_an_expired_lease_wins(make: Make, client: Any) -> None:
    alone = make({UNITS[0]: 1})
    alone._round()
    tenure = Lease(UNITS[0], alone.owned[UNITS[0]])
    client.delete(UNITS[0].lease)
    other = make({UNITS[0]: 1})

    def queue(pipe: Any) -> None:
        other.claim(UNITS[0])
        pipe.set("written", 1)

    with pytest.raises(LeaseLostError):
        tenure.write(client, queue)
    assert client.get("written") is None


def test_who_died_while_the_clock_of_redis_was_ahead_owns_nothing_once_it_is_right(make: Make, client: Any) -> None:
    ahead_ms = int(client.time()[0] * 1000) + 400 * 86_400_000
    client.zadd(keys.members(Role.INFERENCE.value), {"elsewhere-1-1": ahead_ms})
    for unit in UNITS:
        client.set(unit.fence, 7)
        client.set(unit.lease, b"elsewhere-1-1:7", px=400 * 86_400_000)
    alone = make()
    assert not alone.has_others()
    alone._round()
    assert all(client.pttl(unit.lease) <= LEASE_S * 1000 for unit in UNITS)
    client.delete(*(unit.lease for unit in UNITS))  # which is what happens then
    alone._round()
    assert counts(alone) == [4]


def test_a_look_at_thousands_of_leases_takes_a_few_commands(make: Make, client: Any) -> None:
    work = {LeaseKeys.for_capture(f"cam{number}", 16): 1 for number in range(600)}
    for unit in work:
        client.set(unit.lease, b"elsewhere-1-1:7")
    client.zadd(keys.members(Role.INFERENCE.value), {"elsewhere-1-1": client.time()[0] * 1000})
    looking = make(work, pinned=frozenset(work))
    before = client.info("stats")["total_commands_processed"]
    looking._round()
    assert client.info("stats")["total_commands_processed"] - before < 20
    assert counts(looking) == [0]


def test_what_takes_long_to_take_is_taken_over_several_rounds(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.runtime.leases._TAKE_FOR_S", 0.0)
    alone = make()
    owned = []
    for _ in UNITS:
        alone._round()
        owned += counts(alone)
    assert owned == [1, 2, 3, 4]
