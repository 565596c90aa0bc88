"""What the streams of a batch share of the patch network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import pytest

from models.frames.frame import CameraContext, Frame
from models.frames.frame_reuse import NEVER, FrameReuse
from models.networks.patch_network import PatchMaps, PatchNetwork
from models.streams.frame_batch import FrameBatch
from patchwatch.evaluation.cost import CostMeter, _metered_class


class BrightnessPatches:
    """One place per frame, its brightness; counts the frames."""

    def __init__(self) -> None:
        self.seen = 0

    def patches(self, frames: Sequence[Frame]) -> list[PatchMaps]:
        self.seen += len(frames)
        return [(np.full((1, 1, 1), frame.rgb.mean(), np.float32),) for frame in frames]


def frame(number: int, grey: int) -> Frame:
    return Frame(np.full((72, 128, 3), grey, np.uint8), number / 5)


def found(batch: FrameBatch) -> list[float]:
    return [maps[0].item() for maps in batch.patches]


def batch(
    frames: Sequence[Frame], contexts: Sequence[CameraContext], network: BrightnessPatches, reuse: FrameReuse = NEVER
) -> FrameBatch:
    return FrameBatch(frames, contexts, reuse=reuse, patch_network=cast("PatchNetwork", network))


def test_patches_are_computed_once_for_all_frames() -> None:
    network, view = BrightnessPatches(), CameraContext()
    shared = batch([frame(0, 10), frame(1, 10), frame(2, 60)], [view] * 3, network)
    assert found(shared) == found(shared) == [10, 10, 60]
    assert network.seen == 3


def test_still_frames_have_the_patches_of_the_last_fresh_one() -> None:
    network, views = BrightnessPatches(), [CameraContext(), CameraContext()]
    frames = [frame(0, 10), frame(0, 90), frame(1, 11), frame(1, 60), frame(2, 11), frame(2, 60)]
    assert found(batch(frames, views * 3, network, FrameReuse(2.0))) == [10, 90, 10, 60, 10, 60]
    assert network.seen == 3
    assert found(batch([frame(3, 12), frame(4, 20)], views[:1] * 2, network, FrameReuse(2.0))) == [10, 20]
    assert network.seen == 4


def test_frames_between_samples_have_the_patches_of_the_last_one() -> None:
    network, view = BrightnessPatches(), CameraContext()
    frames = [Frame(frame(0, 10 * n).rgb, n / 10) for n in range(6)]
    assert found(batch(frames, [view] * 6, network)) == [0, 0, 20, 20, 40, 40]
    assert network.seen == 3


def test_a_profile_without_a_place_stream_has_no_patches() -> None:
    with pytest.raises(ValueError, match="no patch network"):
        _ = FrameBatch([frame(0, 1)], [CameraContext()]).patches


def test_a_metered_batch_has_all_that_the_batch_has() -> None:
    network, meter = BrightnessPatches(), CostMeter()
    plain = batch([frame(0, 10)], [CameraContext()], network)
    metered = _metered_class()(plain, meter)
    assert found(metered) == [10]
    assert ("shared", "patches") in meter._cpu_s
