"""Maps of patches are the same whatever comes together in a batch, and whatever runs the network."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache

import cv2
import numpy as np
import parts
import pytest
from random_efficientnet import random_efficientnet, random_state

from models.frames.frame import Frame
from models.patch_network import patch_network
from models.patch_network.efficientnet import Convolution, EfficientNet
from models.patch_network.patch_network import PatchMaps, PatchNetwork, input_shape, scaled
from models.weights.embedded import EFFICIENTNET
from patchwatch.contract.errors import ConfigurationError

BLOCKS = (4, 7, 10)
NOISE = np.random.default_rng(11)
WIDE = [Frame(NOISE.integers(0, 256, (128, 192, 3), np.uint8), 0.0) for _ in range(5)]
TALL = [Frame(NOISE.integers(0, 256, (300, 150, 3), np.uint8), 0.0) for _ in range(2)]


@cache
def network(threads: int = 1, blocks: Sequence[int] = BLOCKS) -> PatchNetwork:
    parts.need("openvino")
    return PatchNetwork.load("cpu", threads, blocks)


def assert_same(found: PatchMaps, expected: PatchMaps, within: float = 0.0) -> None:
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert one.shape == other.shape
        assert one.dtype == np.float32
        np.testing.assert_allclose(one, other, atol=within, rtol=0)


@pytest.mark.parametrize(
    ("height", "width", "shape"),
    [(1080, 1920, (224, 384)), (480, 640, (288, 384)), (720, 576, (384, 320)), (384, 384, (384, 384)),
     (90, 160, (224, 384)), (10, 4000, (32, 384)), (4000, 1, (384, 32))],
)  # fmt: skip
def test_the_long_side_is_384_and_both_are_multiples_of_32(height: int, width: int, shape: tuple[int, int]) -> None:
    assert input_shape(height, width) == shape
    assert scaled(np.zeros((height, width, 3), np.uint8), shape).shape == (*shape, 3)


def test_each_block_gives_a_map_in_the_order_asked_for() -> None:
    shapes = [found.shape for found in network().patches(WIDE[:1])[0]]
    assert shapes == [(32, 48, 40), (16, 24, 80), (16, 24, 112)]
    late, early = network(1, (10, 4)).patches(WIDE[:1])[0]
    assert_same((early, late), network().patches(WIDE[:1])[0][::2])


def test_patches_of_two_shapes_together_are_those_of_each_frame_alone() -> None:
    frames = [WIDE[0], TALL[0], WIDE[1], TALL[1], *WIDE[2:]]  # more of one shape than pass the network at once
    together = network().patches(frames)
    assert len({maps[0].shape for maps in together}) == 2
    for frame, maps in zip(frames, together, strict=True):
        assert_same(maps, network().patches([frame])[0])
    assert network().patches([]) == []


def test_more_threads_find_the_same() -> None:
    assert_same(network(2).patches(TALL[:1])[0], network(1).patches(TALL[:1])[0], 1e-4)


def test_a_place_of_the_map_sees_its_own_part_of_the_frame() -> None:
    calm = np.full((224, 384, 3), 90, np.uint8)
    changed = calm.copy()
    changed[160:176, 320:336] = NOISE.integers(0, 256, (16, 16, 3), np.uint8)
    one, other = (network(1, (7,)).patches([Frame(rgb, 0.0)])[0][0] for rgb in (calm, changed))
    change = np.abs(one - other).sum(2)
    row, column = np.unravel_index(change.argmax(), change.shape)
    assert abs(row - 10) <= 1
    assert abs(column - 20) <= 1


def test_the_identity_names_the_network_and_its_tensors_whatever_runs_it() -> None:
    identity = network().identity()
    assert json.loads(json.dumps(identity)) == identity
    assert identity == network(2).identity()
    assert identity["patches_tensors_sha256"].startswith("812b31b2")
    assert identity["patches_blocks"] == [4, 7, 10]
    assert identity != network(1, (7,)).identity()


def test_compiled_shapes_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    parts.need("openvino")
    from models.runtimes import openvino_requests

    monkeypatch.setattr(openvino_requests, "_SHAPES", 2)
    own = PatchNetwork.load("openvino", 1, (0,))
    frames = [Frame(np.full((32 * n, 384, 3), 9, np.uint8), 0.0) for n in (1, 2, 3)]
    expected = own.patches(frames)
    assert len(own._runtime._requests) == 2  # type: ignore[attr-defined]
    for _ in range(2):
        for maps, again in zip(expected, own.patches(frames), strict=True):
            assert_same(again, maps)
    assert len(own._runtime._requests) == 2  # type: ignore[attr-defined]


def test_random_weights_for_tests_have_the_form_of_the_trained_ones() -> None:
    state = random_state()
    trained = EFFICIENTNET.read()
    assert {name: value.shape for name, value in state.items()} == {name: trained[name].shape for name in state}
    assert {name for name in trained if name.startswith("_blocks") and "num_batches" not in name} <= state.keys()


def test_a_batch_norm_is_folded_into_the_convolution_before_it() -> None:
    state = EFFICIENTNET.read()
    folded = EfficientNet.from_state(state, 0).stem
    patch = NOISE.standard_normal((3, 3, 3))
    plain = (state["_conv_stem.weight"].astype(float) * patch).sum((1, 2, 3)) - state["_bn0.running_mean"]
    normed = plain / np.sqrt(state["_bn0.running_var"] + 1e-3) * state["_bn0.weight"] + state["_bn0.bias"]
    np.testing.assert_allclose((folded.weight * patch).sum((1, 2, 3)) + folded.bias, normed, atol=1e-5)


def test_a_channel_s_spread_is_the_gain_of_its_last_norm_and_sums_of_residuals_grow() -> None:
    state, blocks = random_state(), range(5)
    for number in blocks:
        gains = state[f"_blocks.{number}._bn2.weight"]
        gains[:] = NOISE.uniform(-3.0, 3.0, len(gains))
        gains[0] = 0.0
    network = EfficientNet.from_state(state, max(blocks))
    before: np.ndarray = np.zeros(0)
    for number, block in enumerate(network.blocks):
        squares = np.square(state[f"_blocks.{number}._bn2.weight"])
        expected = np.sqrt(squares + np.square(before) if block.residual else squares)
        np.testing.assert_allclose(block.spread, np.maximum(expected, 1e-3), rtol=1e-5)
        assert block.spread.dtype == np.float32
        before = block.spread
    assert [block.residual for block in network.blocks] == [False, False, True, False, True]


@pytest.mark.parametrize("block", [4, 7, 10])
def test_patches_of_ordinary_pictures_vary_by_about_one_in_every_channel(block: int) -> None:
    """Of smooth noise: a channel must count for no more than others because its numbers are large."""
    coarse = NOISE.integers(0, 256, (8, 12, 18, 3)).astype(np.uint8)
    frames = [Frame(cv2.resize(rgb, (384, 256), interpolation=cv2.INTER_CUBIC), 0.0) for rgb in coarse]
    maps = np.stack([found[0] for found in network(1, (block,)).patches(frames)])
    deviations = maps.reshape(-1, maps.shape[-1]).std(axis=0)
    assert 0.3 < np.median(deviations) < 3.0
    assert np.quantile(deviations, 0.95) < 6.0 * np.quantile(deviations, 0.05)


@pytest.mark.parametrize(
    ("kernel", "stride", "padding"), [(1, 1, (0, 0)), (3, 1, (1, 1)), (3, 2, (0, 1)), (5, 2, (1, 2))]
)
def test_padding_is_tensorflow_s(kernel: int, stride: int, padding: tuple[int, int]) -> None:
    weight = np.zeros((1, 1, kernel, kernel), np.float32)
    assert Convolution(weight, np.zeros(1, np.float32), stride, 1, clipped=True).padding == padding


def by_torch(weights: EfficientNet, blocks: tuple[int, ...], device: str = "cpu") -> PatchNetwork:
    """Also on the CPU, where the product takes OpenVINO."""
    torch = parts.torch()
    from models.patch_network.torch_patches import TorchPatches
    from models.runtimes.device import Compute

    runtime = TorchPatches(weights, blocks, Compute(torch.device(device), torch.float32))
    return PatchNetwork(runtime, weights, blocks)


@pytest.mark.clip
@pytest.mark.openvino
@pytest.mark.parametrize("blocks", [BLOCKS, (0,), (15, 2)])
def test_torch_finds_what_openvino_finds(blocks: tuple[int, ...]) -> None:
    torch_s = by_torch(EfficientNet.from_state(EFFICIENTNET.read(), max(blocks)), blocks)
    for maps, expected in zip(torch_s.patches(WIDE[:2]), network(1, blocks).patches(WIDE[:2]), strict=True):
        assert_same(maps, expected, within=2e-4)  # values reach 30


@pytest.mark.clip
def test_other_networks_may_use_tf32_and_this_one_does_not() -> None:
    torch = parts.torch()
    from models.patch_network.torch_patches import _PatchModule

    module, seen = _PatchModule(EfficientNet.from_state(EFFICIENTNET.read(), 0), (0,)), []
    module._stem.register_forward_hook(lambda *_: seen.append(torch.backends.cudnn.allow_tf32))
    assert torch.backends.cudnn.allow_tf32
    module(torch.zeros(1, 3, 32, 32))
    assert seen == [False]
    assert torch.backends.cudnn.allow_tf32


@pytest.mark.gpu
def test_a_gpu_finds_what_a_cpu_finds_eagerly_and_as_graphs(gpu: object) -> None:
    weights, frames = random_efficientnet(max(BLOCKS)), [Frame(frame.rgb[:108], 0.0) for frame in WIDE]  # 16:9
    there, expected = by_torch(weights, BLOCKS, "cuda"), by_torch(weights, BLOCKS).patches(frames)
    for prepared in (False, True):
        if prepared:
            there.prepare(len(frames))
        for maps, known in zip(there.patches(frames), expected, strict=True):
            assert_same(maps, known, within=1e-3)  # TF32 would differ by more
    assert there.eager_pictures == len(frames)


def test_torch_is_not_asked_for_a_gpu_where_no_driver_is(monkeypatch: pytest.MonkeyPatch) -> None:
    parts.need("openvino")
    monkeypatch.setattr(patch_network, "may_be_cuda", lambda setting: False)
    monkeypatch.setattr(patch_network, "_cuda_runtime", None)  # calling it would raise
    assert PatchNetwork.load("auto", 1, (0,)).device == "openvino float32"


def test_cuda_without_torch_and_unknown_words_name_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patch_network, "installed", lambda name: False)
    with pytest.raises(ConfigurationError, match=r"pip install '\.\[clip\]'"):
        PatchNetwork.load("cuda")
    with pytest.raises(ConfigurationError, match="choose auto, cpu, cuda or openvino"):
        PatchNetwork.load("tpu")
    with pytest.raises(ValueError, match="blocks are from 0 to 15"):
        PatchNetwork.load("cpu", blocks=(16,))
