"""What is scored next: one engine's cameras at a time, each its turn, fresh frames when it is late."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchwatch.bus.connection import connect
from patchwatch.bus.keys import CameraKeys
from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.frames.frame import FrameFlag, FrameMessage
from workers.inference.camera_state import CameraState
from workers.inference.queue_reader import FairScheduler, QueuedFrame, QueueReader

MAX_AGE_S = 4.0


class Cameras:
    """Sessions and their queues; frames are put `age_s` seconds old."""

    def __init__(self, url: str) -> None:
        self.client = connect(url)
        self.states: dict[str, CameraState] = {}

    def add(self, camera_id: str, profile: str, ready: bool = True) -> CameraState:
        state = CameraState(Camera(id=camera_id, profile=profile), CameraKeys.for_camera(camera_id, 2), b"lease")
        state.bank.scorer = cast(Any, object()) if ready else None
        self.states[state.keys.frames] = state
        return state

    def frames(
        self, state: CameraState, ages_s: list[float], flags: FrameFlag = FrameFlag.LIVE, first: int = 1
    ) -> None:
        for seq, age_s in enumerate(ages_s, first):
            at_ns = time.time_ns() - round(age_s * 1e9)
            message = FrameMessage(seq, at_ns, seq, 64, 48, 64, 48, flags, b"jpeg")
            self.client.xadd(state.keys.frames, cast(Any, message.encode()), id=message.entry_id)


@pytest.fixture
def cameras(bus_url: str) -> Iterator[Cameras]:
    cameras = Cameras(bus_url)
    yield cameras
    cameras.client.close()


def reader_of(cameras: Cameras, cost_s: dict[str, float] | None = None, batch_frames: int = 16) -> QueueReader:
    reader = QueueReader(cameras.client, batch_frames, 0.0, MAX_AGE_S)
    for engine, seconds in (cost_s or {}).items():
        reader._scheduler.record_cost(engine, 1, 0.0)  # a first turn is not counted
        reader._scheduler.record_cost(engine, 1, seconds)
    return reader


def done(reader: QueueReader, taken: list[QueuedFrame], seconds: float) -> None:
    """What the scorer does to the states."""
    for entry in taken:
        entry.state.position = max(entry.state.position, entry.seq)
        entry.state.last_taken_s = time.monotonic()
    reader.record_cost(taken, seconds)


def scored(taken: list[QueuedFrame]) -> list[int]:
    return [entry.seq for entry in taken if not entry.late]


def test_frames_come_oldest_first_and_only_once(cameras: Cameras) -> None:
    one = cameras.add("one", "motion")
    cameras.frames(one, [1.0] * 30)
    reader = reader_of(cameras, {"motion": 0.01})
    seqs: list[int] = []
    while len(seqs) < 30:
        taken = reader.read(cameras.states)
        seqs += scored(taken)
        done(reader, taken, 0.1)
    assert seqs == list(range(1, 31))
    assert reader.read(cameras.states) == []


def test_quick_cameras_do_not_wait_for_more_than_one_turn_of_a_slow_engine(cameras: Cameras) -> None:
    quick = [cameras.add(f"quick{n}", "motion") for n in range(4)]
    slow = [cameras.add(f"slow{n}", "objects") for n in range(4)]
    for state in quick + slow:
        cameras.frames(state, [0.1] * 20)
    reader = reader_of(cameras, {"motion": 0.002, "objects": 0.15})
    turns: list[str] = []
    slow_frames = []
    while sum(state.position for state in quick) < 80:
        taken = reader.read(cameras.states)
        profile = taken[0].state.camera.profile
        assert {entry.state.camera.profile for entry in taken} == {profile}
        turns.append(profile)
        slow_frames += [len(taken)] if profile == "objects" else []
        done(reader, taken, len(taken) * (0.002 if profile == "motion" else 0.15))
    assert turns.count("objects") <= 2  # while the quick ones had frames
    assert all(frames <= 6 for frames in slow_frames)  # 0.9 s of the 4 s that a frame may wait


def test_each_camera_of_an_engine_gets_its_turn(cameras: Cameras) -> None:
    states = [cameras.add(f"c{n}", "objects") for n in range(10)]
    for state in states:
        cameras.frames(state, [0.1] * 8)
    reader = reader_of(cameras, {"objects": 0.4})  # two frames a turn
    for _ in range(20):
        taken = reader.read(cameras.states)
        assert len(taken) <= 2
        done(reader, taken, 0.4 * len(taken))
    assert Counter(state.position for state in states) == {4: 10}


def test_few_frames_among_many_cameras_take_few_questions(cameras: Cameras, monkeypatch: pytest.MonkeyPatch) -> None:
    states = [cameras.add(f"c{n:03d}", "motion") for n in range(300)]
    cameras.frames(states[-1], [0.1])
    reader = reader_of(cameras, {"motion": 0.001})
    asked: list[int] = []
    ask = QueueReader._read_entries

    def counted(self: QueueReader, positions: Any, *arguments: Any) -> Any:
        asked.append(len(positions))
        return ask(self, positions, *arguments)

    monkeypatch.setattr(QueueReader, "_read_entries", counted)
    assert [entry.state for entry in reader.read(cameras.states)] == [states[-1]]
    assert sum(asked) == 300
    assert len(asked) <= 4


def test_a_reader_that_waited_takes_what_comes_to_many_cameras_at_about_the_same_time(
    cameras: Cameras, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To ask a thousand cameras takes longer than to score a frame."""

    def first_frame_comes(positions: Any, count: int, block_ms: int | None = None) -> Any:
        if block_ms is not None:
            cameras.frames(states[7], [0.0])
        return read_entries(positions, count, block_ms)

    def others_come(seconds: float) -> None:
        waited_s.append(seconds)
        cameras.frames(states[11], [0.0])

    waited_s: list[float] = []
    states = [cameras.add(f"cam{number}", "motion") for number in range(100)]
    reader = reader_of(cameras)
    read_entries = reader._read_entries
    monkeypatch.setattr(reader, "_read_entries", first_frame_comes)
    monkeypatch.setattr("workers.inference.queue_reader.time.sleep", others_come)
    taken = reader.read(cameras.states)
    assert {entry.state.camera.id for entry in taken} == {"cam7", "cam11"}
    assert waited_s == [pytest.approx(0.002)]


def test_a_turn_after_cameras_without_frames_is_no_larger_than_a_batch(cameras: Cameras) -> None:
    states = [cameras.add(f"c{n:03d}", "motion") for n in range(100)]
    for state in states[16:]:
        cameras.frames(state, [0.1])
    reader = reader_of(cameras, {"motion": 0.001})
    taken = reader.read(cameras.states)
    assert [entry.state for entry in taken] == states[16:32]


def test_a_late_live_camera_passes_over_what_it_cannot_score_in_time_and_goes_on_with_fresh_frames(
    cameras: Cameras,
) -> None:
    late = cameras.add("late", "objects")
    cameras.frames(late, [6.0] * 10 + [1.0] * 20)
    reader = reader_of(cameras, {"objects": 0.25})  # 8 frames in half of 4 s
    taken = reader.read(cameras.states)
    assert [entry.seq for entry in taken if entry.late] == list(range(1, 23))
    assert scored(taken) == [23, 24, 25, 26]


def test_a_quick_camera_that_was_held_up_loses_only_what_is_too_old(cameras: Cameras) -> None:
    held_up = cameras.add("held-up", "motion")
    cameras.frames(held_up, [6.0] * 11 + [1.0] * 19)
    reader = reader_of(cameras, {"motion": 0.002})
    taken = reader.read(cameras.states)
    assert [entry.seq for entry in taken if entry.late] == list(range(1, 12))
    assert scored(taken) == list(range(12, 28))


def test_recordings_wait_however_old_their_frames_are(cameras: Cameras) -> None:
    recording = cameras.add("recording", "objects")
    cameras.frames(recording, [3600.0] * 30, flags=FrameFlag(0))
    reader = reader_of(cameras, {"objects": 0.25})
    taken = reader.read(cameras.states)
    assert scored(taken) == [entry.seq for entry in taken] == [1, 2, 3, 4]


def test_cameras_without_a_bank_are_counted_on_without_holding_anybody_up(cameras: Cameras) -> None:
    unready, ready = cameras.add("unready", "motion", ready=False), cameras.add("ready", "motion")
    cameras.frames(unready, [60.0] * 40)
    cameras.frames(ready, [0.1] * 4)
    reader = reader_of(cameras, {"motion": 0.002})
    for _ in range(20):
        taken = reader.read(cameras.states)
        assert not any(entry.late for entry in taken)
        done(reader, taken, 0.001)
        if (unready.position, ready.position) == (40, 4):
            break
    assert (unready.position, ready.position) == (40, 4)


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


def test_a_thread_that_never_waits_has_no_time_for_what_is_not_scored(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = [100.0]
    monkeypatch.setattr("workers.inference.queue_reader.time.monotonic", lambda: now_s[0])
    shares = learnt()
    shares.record_cost("a", 1, 9.0)
    assert shares.load() == 0.0
    for _ in range(200):
        now_s[0] += 0.1
        shares.record_cost("a", 1, 0.05)
        shares.record_cost("b", 1, 0.05)
    assert shares.load() == pytest.approx(1.0, abs=0.05)
    now_s[0] += 2.0
    assert shares.load() < 0.8, "it waited for two seconds"


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 64), st.floats(0, 60)), max_size=50))
def test_a_turn_is_never_empty_nor_larger_than_a_batch(turns: list[tuple[str, int, float]]) -> None:
    shares = learnt()
    for engine, frames, seconds in turns:
        shares.record_cost(engine, frames, seconds)
    for engine in "abc":
        assert 1 <= shares.turn_frames(engine) <= 16
        assert shares.timely_frames(engine, 3) >= 1
    assert sorted(shares.order({"a": 1, "b": 2, "c": 3})) == ["a", "b", "c"]
