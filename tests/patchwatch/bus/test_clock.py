"""Redis' time is that of all processes, whatever their hosts' clocks say."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchwatch.bus.clock import BusClock, stepped

S = 1_000_000_000
START_S = 1_800_000_000


class World:
    """Redis' clock and this host's, in seconds."""

    def __init__(self) -> None:
        self.monotonic_s = 100.0
        self.redis_ahead_s = 0.0
        self.trip_s = 0.0
        self.asked = 0

    def monotonic_ns(self) -> int:
        return round(self.monotonic_s * S)

    def time(self) -> tuple[int, int]:
        self.asked += 1
        self.monotonic_s += self.trip_s / 2
        now_us = round((START_S + self.monotonic_s + self.redis_ahead_s) * 1e6)
        self.monotonic_s += self.trip_s / 2
        return now_us // 1_000_000, now_us % 1_000_000


@pytest.fixture
def world() -> World:
    return World()


def clock_of(world: World, host_ahead_s: float = 0.0) -> BusClock:
    return BusClock(world.monotonic_ns, lambda: round((START_S + world.monotonic_s + host_ahead_s) * S))


@pytest.mark.parametrize("host_ahead_s", [0.0, 45.0, -45.0, 400 * 86_400.0, -400 * 86_400.0])
def test_a_hosts_own_clock_has_no_say_once_redis_was_asked(world: World, host_ahead_s: float) -> None:
    clock = clock_of(world, host_ahead_s)
    clock.sync(world)
    assert abs(clock.now_ns() - (START_S + world.monotonic_s) * S) < S // 1000


def test_redis_is_asked_once_a_second_at_most(world: World) -> None:
    clock = clock_of(world)
    for _ in range(100):
        clock.sync(world)
        world.monotonic_s += 0.1
    assert world.asked == 10


@given(st.floats(0, 0.4), st.floats(-0.01, 0.01))
def test_a_slow_network_does_not_make_time_jump(trip_s: float, doubt_s: float) -> None:
    world = World()
    clock = clock_of(world)
    clock.sync(world)
    before_ns = clock.offset_ns
    world.trip_s, world.monotonic_s = trip_s, world.monotonic_s + 2
    clock.sync(world)
    assert abs(clock.offset_ns - before_ns) <= 1000
    assert not stepped(before_ns, clock.offset_ns)


@pytest.mark.parametrize("step_s", [1.0, -1.0, 45.0, -45.0, 3600.0, -3600.0, 400 * 86_400.0])
def test_where_the_clock_of_redis_is_set_it_is_followed(world: World, step_s: float) -> None:
    clock = clock_of(world)
    clock.sync(world)
    before_ns = clock.offset_ns
    world.redis_ahead_s, world.monotonic_s = step_s, world.monotonic_s + 1
    clock.sync(world)
    assert stepped(before_ns, clock.offset_ns)
    assert abs(clock.now_ns() - (START_S + world.monotonic_s + step_s) * S) < S // 1000


def test_a_real_redis_says_its_time(bus_url: str) -> None:
    from patchwatch.bus.connection import connect

    clock = BusClock(wall_ns=lambda: 0)
    with connect(bus_url) as client:
        clock.sync(client)
    assert abs(clock.now_ns() - time.time_ns()) < 2 * S
