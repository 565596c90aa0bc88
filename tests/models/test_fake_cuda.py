"""Everything that runs on a GPU, followed on a "cuda" device that need not be there: shapes, types and devices fit, and
nothing in it waits for the GPU (data that decides would raise), so it can be recorded."""

from __future__ import annotations

from pathlib import Path

import parts
import pytest

parts.torch()
import torch  # noqa: E402
from fake_cuda import CUDA, emulate_cudnn, faked  # noqa: E402
from random_efficientnet import random_efficientnet  # noqa: E402
from real_frames import DETECTOR  # noqa: E402
from torch._subclasses.fake_tensor import FakeTensorMode  # noqa: E402

from models.networks.backbone import DIM, Backbone, random_trunk  # noqa: E402
from models.networks.detector import Letterbox, load_detector  # noqa: E402
from models.networks.nms import _best_of_each  # noqa: E402
from models.networks.squash import SIDE_PX, squash, squash_boxes  # noqa: E402
from models.patch_network.torch_patches import _PatchModule  # noqa: E402
from models.runtimes.device import Compute  # noqa: E402
from models.runtimes.runtime import Eager  # noqa: E402

HERE = Compute(torch.device("cpu"), torch.float32)
THERE = Compute(CUDA, torch.float16)


@pytest.fixture
def mode(monkeypatch: pytest.MonkeyPatch) -> FakeTensorMode:
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda tensor: tensor)  # fake tensors have no memory to pin
    return FakeTensorMode()


@pytest.mark.parametrize("fused", [False, True])
def test_the_trunk(mode: FakeTensorMode, fused: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    emulate_cudnn(monkeypatch)
    run = Backbone(random_trunk(1), Compute(HERE.device, HERE.dtype, fused=fused)).run
    assert isinstance(run, Eager)
    there = Eager(faked(run.module.half(), mode), THERE)
    with mode, torch.inference_mode():
        vectors = there(torch.zeros((5, 3, SIDE_PX, SIDE_PX), device=CUDA))
    assert (vectors.shape, vectors.dtype, vectors.device.type) == ((5, DIM), torch.float32, "cuda")


def test_the_patch_network(mode: FakeTensorMode) -> None:
    module = _PatchModule(random_efficientnet(7), (4, 7))
    there = Eager(faked(module, mode), Compute(CUDA, torch.float32))
    with mode, torch.inference_mode():
        flat = there(torch.zeros((5, 3, 224, 384), device=CUDA))
    places = sum(rows * columns * channels for rows, columns, channels in module.shapes(224, 384))
    assert (flat.shape, flat.dtype, flat.device.type) == ((5, places), torch.float32, "cuda")


@pytest.mark.data
def test_the_detector_from_grey_levels_to_candidates(data: Path, mode: FakeTensorMode) -> None:
    run = load_detector(data / DETECTOR, HERE, classes=(), confidence=0.5).run
    assert isinstance(run, Eager)
    run(torch.zeros(2, 3, 384, 640))  # makes the head's anchors, for which it waits; a recording comes after
    layers = run.module.half().model
    assert isinstance(layers, torch.nn.Sequential)
    layers[-1].float()  # as it is held on a GPU: the head in fp32
    there = Eager(faked(run.module, mode), THERE)
    with mode, torch.inference_mode():
        inputs = Letterbox.for_picture(360, 640, 32).apply(
            torch.zeros((2, 3, 360, 640), dtype=torch.uint8, device=CUDA)
        )
        outputs = there(inputs)
        best = _best_of_each(outputs, outputs[:, 4:].amax(1))
    assert (inputs.shape, inputs.dtype) == ((2, 3, 384, 640), torch.float32)
    assert (best.shape, best.dtype, best.device.type) == ((2, 1024, 6), torch.float32, "cuda")


def test_squashing_of_frames_and_of_their_boxes(mode: FakeTensorMode) -> None:
    with mode:
        frames = torch.zeros((2, 3, 120, 160), dtype=torch.uint8, device=CUDA)
        whole, parts = squash(frames), squash_boxes(frames, [0, 1, 1], [(0, 0, 9, 9), (4, 5, 20, 30), (1, 1, 2, 2)])
    for result, count in ((whole, 2), (parts, 3)):
        assert result.shape == (count, 3, SIDE_PX, SIDE_PX)
        assert (result.dtype, result.device.type) == (torch.uint8, "cuda")


def test_squashing_sends_from_pinned_memory_once(mode: FakeTensorMode, monkeypatch: pytest.MonkeyPatch) -> None:
    pinned: list[torch.Tensor] = []

    def pin(tensor: torch.Tensor) -> torch.Tensor:
        pinned.append(tensor)
        return tensor

    monkeypatch.setattr(torch.Tensor, "pin_memory", pin)
    with mode:
        frames = torch.zeros((2, 3, 120, 160), dtype=torch.uint8, device=CUDA)
        squash_boxes(frames, [0, 1], [(0, 0, 9, 9), (4, 5, 20, 30)])
    assert len(pinned) == 1
