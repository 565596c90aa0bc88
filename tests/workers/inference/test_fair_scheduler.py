"""Time is shared among engines, whatever a frame costs each."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from workers.inference.fair_scheduler import FairScheduler


def learnt(**cost_s: float) -> FairScheduler:
    shares = FairScheduler(batch_frames=16, max_age_s=4.0)
    for engine, seconds in cost_s.items():
        shares.record_cost(engine, 1, 9.0)  # a first turn says nothing
        shares.record_cost(engine, 1, seconds)
    return shares


def test_what_a_first_turn_sets_up_is_not_taken_for_the_cost_of_a_frame() -> None:
    shares = learnt()
    shares.record_cost("clip", 4, 6.0)
    assert shares.turn_frames("clip") == 4, "as if nothing were known"
    shares.record_cost("clip", 4, 0.01)
    assert shares.turn_frames("clip") == 16
    assert shares.order({"clip": 1, "motion": 1}) == ["motion", "clip"]
    assert shares.timely_frames("clip", 1) > 100


def test_a_turn_is_as_long_as_others_can_wait_whatever_a_frame_costs() -> None:
    shares = learnt(motion=0.002, objects=0.15, slow=3.0)
    assert shares.turn_frames("motion") == 16
    assert shares.turn_frames("objects") == 6
    assert shares.turn_frames("slow") == 1
    assert shares.turn_frames("new") == 4


def test_a_quick_engine_is_next_after_every_turn_of_a_slow_one() -> None:
    shares = learnt(motion=0.002, objects=0.15)
    for _ in range(20):
        assert shares.order({"objects": 1, "motion": 1})[0] == "motion"
        shares.record_cost("motion", 5, 0.01)
        shares.record_cost("objects", 6, 0.9)


def test_of_two_that_both_want_all_the_time_each_gets_half() -> None:
    shares = learnt(a=0.01, b=0.1)
    seconds = {"a": 0.0, "b": 0.0}
    for _ in range(2000):
        engine = shares.order({"a": 1, "b": 1})[0]
        frames = shares.turn_frames(engine)
        used_s = frames * (0.01 if engine == "a" else 0.1)
        seconds[engine] += used_s
        shares.record_cost(engine, frames, used_s)
    assert 0.8 < seconds["a"] / seconds["b"] < 1.25


def test_an_engine_of_more_cameras_has_a_right_to_more() -> None:
    shares = learnt(a=0.5, b=1.0)
    assert shares.order({"a": 1, "b": 1}) == ["a", "b"]
    assert shares.order({"a": 1, "b": 4}) == ["b", "a"]


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 64), st.floats(0, 60)), max_size=50))
def test_a_turn_is_never_empty_nor_larger_than_a_batch(turns: list[tuple[str, int, float]]) -> None:
    shares = learnt()
    for engine, frames, seconds in turns:
        shares.record_cost(engine, frames, seconds)
    for engine in "abc":
        assert 1 <= shares.turn_frames(engine) <= 16
        assert shares.timely_frames(engine, 3) >= 1
    assert sorted(shares.order({"a": 1, "b": 2, "c": 3})) == ["a", "b", "c"]
