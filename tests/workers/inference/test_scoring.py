"""A frame on which the engine raises costs nothing but itself; an engine that fails on everything ends the worker."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest
from moving_scene import FPS, scene

from models.engine.engine import Engine
from models.frames.frame import CameraContext, Frame
from models.frames.optical_flow import FlowEstimator
from models.profiles.profile import load_profile
from patchwatch.contract.errors import RejectedError
from patchwatch.messages.frames.frame import FrameFlag, FrameMessage, PrecedingPicture
from patchwatch.messages.frames.score import Score
from workers.inference.scoring import Extracted, decode_frame, extract
from workers.inference.worker import InferenceWorker
from workers.media import jpeg_codec

Run = Callable[..., Any]
BAD_MEAN = 7  # of the pictures that the engine cannot stand


@pytest.mark.parametrize("jpeg", [b"no JPEG", b"\xff\xd8\xff\xd9"])
def test_a_frame_keeps_its_distance_to_the_preceding_picture_and_is_refused_when_either_is_corrupt(jpeg: bytes) -> None:
    good = jpeg_codec.encode(scene(0), 85)
    message = FrameMessage(7, 1, 1, 64, 48, 64, 48, FrameFlag.LIVE, good, preceding=PrecedingPicture(200_000_000, good))
    frame = decode_frame(message, 10_000_000_000)
    assert frame.preceding is not None
    assert (frame.at_s, frame.preceding.at_s) == (10.0, 9.8)
    assert np.array_equal(frame.preceding.rgb, frame.rgb)
    for bad in (replace(message, jpeg=jpeg), replace(message, preceding=PrecedingPicture(1, jpeg))):
        with pytest.raises(RejectedError):
            decode_frame(bad, 10_000_000_000)


def bad_picture() -> np.ndarray:
    return np.full((96, 128, 3), BAD_MEAN, np.uint8)


@pytest.fixture
def picky(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that raises, as OpenCV does, on certain pictures, after it has remembered others of the batch."""
    honest = FlowEstimator._next

    def choosy(self: FlowEstimator, frame: Frame, view: CameraContext) -> Any:
        if round(float(frame.rgb.mean())) == BAD_MEAN:
            raise cv2.error("(-215:Assertion failed) nobody foresaw this")
        return honest(self, frame, view)

    monkeypatch.setattr(FlowEstimator, "_next", choosy)


def fail(self: FlowEstimator, frame: Frame, view: CameraContext) -> Any:
    raise RuntimeError("CUDA error: an illegal memory access was encountered")


def frames(count: int) -> list[Frame]:
    return [Frame(scene(n / FPS), n / FPS, n == 0) for n in range(count)]


def vectors(extracted: list[Extracted | Exception]) -> list[np.ndarray]:
    return [one[0][0].vectors for one in extracted if not isinstance(one, Exception)]


def test_the_others_of_a_batch_are_as_if_the_bad_frame_had_not_been(picky: None) -> None:
    engine, good, view, other_view = Engine(load_profile("motion")), frames(6), CameraContext(), CameraContext()
    bad = Frame(bad_picture(), 0.5)
    actual = extract(engine, [*good[:3], bad, *good[3:]], [view] * 7)
    assert [isinstance(one, Exception) for one in actual] == [False] * 3 + [True] + [False] * 3
    for one, expected in zip(vectors(actual), vectors(extract(engine, good, [other_view] * 6)), strict=True):
        np.testing.assert_array_equal(one, expected)
    assert view.memory.keys() == other_view.memory.keys()


def test_bad_frames_alone_are_not_taken_for_a_broken_engine(picky: None) -> None:
    result = extract(
        Engine(load_profile("motion")), [Frame(bad_picture(), n / 5) for n in range(4)], [CameraContext()] * 4
    )
    assert [type(one) for one in result] == [cv2.error] * 4


def test_an_engine_that_fails_on_a_test_picture_too_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FlowEstimator, "_next", fail)
    with pytest.raises(RuntimeError, match="CUDA error"):
        extract(Engine(load_profile("motion")), frames(3), [CameraContext()] * 3)


def test_a_bad_frame_is_dropped_counted_and_reported_once(
    enrolled: Any, run_worker: Run, until: Run, picky: None, caplog: pytest.LogCaptureFixture
) -> None:
    bad = (8, 9, 18)
    for n in range(20):
        if n in bad:
            enrolled.frame(n, rgb=bad_picture())
        else:
            enrolled.frame(n)
    with caplog.at_level(logging.ERROR), run_worker(enrolled.settings):
        until(lambda: sum(enrolled.counters().values()) == 20)
    assert enrolled.counters() == {"scored": 17, "dropped:failed": 3}
    told = [record for record in caplog.records if "dropped" in record.message]
    assert len(told) == 1
    assert told[0].exc_info
    seqs = [Score.decode(fields).seq for _, fields in enrolled.client.xrange(enrolled.keys.scores)]
    assert seqs == [n + 1 for n in range(20) if n not in bad]
    enrolled.frame(20)
    with run_worker(enrolled.settings):  # it looks at the frames before once more
        until(lambda: enrolled.scored() == 18)


def test_a_broken_engine_ends_the_worker_and_costs_no_frame(
    enrolled: Any, run_worker: Run, until: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(10):
        enrolled.frame(n)
    with monkeypatch.context() as patched:
        patched.setattr(FlowEstimator, "_next", fail)
        with pytest.raises(RuntimeError, match="CUDA error"):
            InferenceWorker(enrolled.settings).run()
    assert enrolled.counters() == {}
    with run_worker(enrolled.settings):
        until(lambda: enrolled.scored() == 10)
    assert enrolled.counters() == {"scored": 10}
