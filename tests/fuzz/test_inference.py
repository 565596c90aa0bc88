"""The inference worker reads whatever stands in the queue: it counts or logs it, goes on, and balances its account."""

from __future__ import annotations

import threading
import time
from functools import partial
from typing import Any

from fuzz_tally import Tally
from mutation import Mutator
from stocked_redis import CAMERA, frame_message
from waiting import wait_until
from worker_thread import in_thread

from patchwatch.bus import keys
from patchwatch.bus.keys import CameraKeys
from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.frames.frame import FrameMessage
from workers.inference.commit import Committer, resume
from workers.inference.engine_cache import EngineCache
from workers.inference.queue_reader import FrameAge, QueuedFrame
from workers.inference.scoring import Scorer
from workers.inference.worker import InferenceWorker

FRAMES = "frames read by inference"
STATES = "states read by inference"
CAMERAS = "cameras read by inference"
AT_A_LOOK = 20


def test_frames_that_are_none_are_counted_and_the_others_scored(tally: Tally, stocked: Any) -> None:
    stocked.reset()
    names = CameraKeys.for_camera(CAMERA, stocked.settings.partitions)
    client, seq = stocked.client, int(stocked.client.hget(names.state, "seq"))
    scored_before = int(client.hget(names.counters, "scored"))
    before = accounted(client, names)
    client.delete(keys.lease(names.partition))  # else it is another worker's, for ever
    with in_thread(InferenceWorker(stocked.settings)) as thread:

        def keeps_up(seq: int) -> bool:
            return not thread.is_alive() or accounted(client, names) >= before + seq - 400

        for mutator in tally.mutators(FRAMES):
            seq += 1
            client.xadd(names.frames, damaged_frame(mutator, seq), id=f"{seq}-{mutator.random.choice([0, 0, 0, 1])}")
            if seq % 50 == 0:
                wait_until(partial(keeps_up, seq))
        sound = 3
        for _ in range(sound):
            seq += 1
            client.xadd(names.frames, dict(frame_message(seq, time.time_ns()).encode()), id=f"{seq}-0")
        wait_until(lambda: not thread.is_alive() or int(client.hget(names.state, "seq")) == seq)
        assert thread.is_alive()
    counters = {name.decode(): int(value) for name, value in client.hgetall(names.counters).items()}
    assert sum(counters.values()) == seq
    assert counters["scored"] >= scored_before + sound
    tally.count(FRAMES, "scored", counters.pop("scored") - scored_before - sound)
    for reason, count in counters.items():
        tally.count(FRAMES, reason, count)


def accounted(client: Any, names: CameraKeys) -> int:
    return sum(map(int, client.hvals(names.counters)))


def damaged_frame(mutator: Mutator, seq: int) -> dict[bytes, bytes]:
    fields = frame_message(seq, time.time_ns()).encode()
    match mutator.random.randrange(6):
        case 0:
            del fields[mutator.random.choice([b"h", b"j"])]
            fields[b"x"] = b""
        case 1:
            fields[b"h"] = mutator.random.choice([b"\x00", b"\x02", b"\xff"]) + fields[b"h"][1:]
        case 2 | 3:
            fields[b"h"] = mutator.damaged(fields[b"h"])
        case _:
            fields[b"j"] = mutator.damaged(fields[b"j"])
    return fields


def test_any_stored_state_is_gone_on_from_or_left_out(tally: Tally, stocked: Any) -> None:
    stocked.reset()
    settings, client, engines = stocked.settings, stocked.client, EngineCache(stocked.settings)
    names = CameraKeys.for_camera(CAMERA, settings.partitions)
    client.set(keys.lease(names.partition), b"w:1")
    camera = Camera.decode(client.hget(keys.CAMERAS, CAMERA))
    state, counters = client.hgetall(names.state), client.hgetall(names.counters)
    committer, scorer = Committer(client, settings), Scorer(FrameAge(client, settings.max_age_s))
    try:
        wait_until(lambda: engines.get("motion") is not None)
        for mutator in tally.mutators(STATES):
            client.delete(names.scores, names.minutes, names.high_scores)  # their ids only rise
            stored = damaged_state(mutator, dict(state), dict(counters))
            session = resume(camera, names, b"w:1", *stored)
            session.bank.refresh(settings, engines)
            tally.count(STATES, "gone on from" if session.recent else "left out")
            for seq in range(session.position + 1, session.position + 4):
                frame = frame_message(seq % 10_000, time.time_ns())
                message = FrameMessage.decode(b"%d-0" % seq, frame.encode())
                outcome = scorer.score([QueuedFrame(session, seq, message)])[CAMERA][1]
            committer.commit(session, outcome)
            assert committer.applied(session, outcome)
            assert [score.seq for _, score in outcome.scores] == [session.position]
    finally:
        engines.stop()


def damaged_state(
    mutator: Mutator, state: dict[bytes, bytes], counters: dict[bytes, bytes]
) -> tuple[dict[bytes, bytes], dict[bytes, bytes]]:
    match mutator.random.randrange(10):
        case 0:
            name = mutator.random.choice(sorted(counters))
            counters[mutator.damaged(name)] = mutator.damaged(counters[name])
        case 1:
            state[b"seq"] = mutator.damaged(state[b"seq"])
        case 2:
            state[b"worker"] = mutator.damaged(state[b"worker"])
        case _:
            state[b"worker"] = mutator.document(state[b"worker"])
    return state, counters


def test_cameras_that_are_none_are_left_out(tally: Tally, stocked: Any) -> None:
    stocked.reset()
    names, client = CameraKeys.for_camera(CAMERA, stocked.settings.partitions), stocked.client
    whole, seq = client.hget(keys.CAMERAS, CAMERA), int(client.hget(names.state, "seq"))
    client.delete(keys.lease(names.partition))
    with in_thread(InferenceWorker(stocked.settings)) as thread:
        for number, mutator in enumerate(tally.mutators(CAMERAS)):
            field = mutator.random.choice([CAMERA.encode(), b"other", mutator.damaged(b"other")])
            client.hset(keys.CAMERAS, field, mutator.damaged(whole))
            client.set(keys.CAMERAS_REVISION, mutator.random.choice([b"7", b"", b"-1", mutator.binary(8)]))
            if number % AT_A_LOOK == 0:
                until_it_looked(client, thread)
        client.delete(keys.CAMERAS, *names.all)
        client.hset(keys.CAMERAS, CAMERA, whole)
        client.set(keys.CAMERAS_REVISION, 10_000)
        until_it_looked(client, thread)
        client.xadd(names.frames, dict(frame_message(seq + 1, time.time_ns()).encode()), id=f"{seq + 1}-0")
        wait_until(lambda: not thread.is_alive() or client.hget(names.counters, "scored") is not None)
    tally.count(CAMERAS, "left out or taken, and the worker goes on", tally.inputs[CAMERAS])


def until_it_looked(client: Any, thread: threading.Thread) -> None:
    """Its beat is written after each look at the cameras."""
    client.delete(*client.keys(keys.worker("inference", "*")))
    wait_until(lambda: not thread.is_alive() or bool(client.keys(keys.worker("inference", "*"))))
    assert thread.is_alive()
