"""The trunk: loads every form of RN101's weights, refuses others, and a vector does not depend on its company."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import parts
import pytest

parts.torch()
import torch  # noqa: E402
from safetensors.torch import save_file  # noqa: E402

from models.networks.backbone import Backbone, Trunk, load_trunk, random_trunk  # noqa: E402
from models.runtimes.device import Compute, choose_compute  # noqa: E402
from models.runtimes.device_batch import DeviceBatch  # noqa: E402
from patchwatch.contract.errors import ConfigurationError  # noqa: E402

State = dict[str, "torch.Tensor"]
SHALLOW = (2, 2, 2, 1)  # a first and a further block of each layer: what holds of them holds of more


@pytest.fixture(scope="module")
def trunk() -> Trunk:
    return random_trunk(3)


@pytest.fixture(scope="module")
def state(trunk: Trunk) -> State:
    return {name: tensor.clone() for name, tensor in trunk.visual.state_dict().items()}


def save_plain(state: State, folder: Path) -> Path:
    torch.save(state, folder / "plain.pt")
    return folder / "plain.pt"


def save_prefixed_with_text_tower(state: State, folder: Path) -> Path:
    whole = {f"visual.{name}": tensor for name, tensor in state.items()}
    whole |= {"visual.attnpool.q_proj.weight": torch.zeros(2, 2), "token_embedding.weight": torch.zeros(4, 2)}
    torch.save({"state_dict": whole}, folder / "prefixed.pt")
    return folder / "prefixed.pt"


def save_safetensors(state: State, folder: Path) -> Path:
    save_file({f"visual.{name}": tensor for name, tensor in state.items()}, folder / "trunk.safetensors")
    return folder / "trunk.safetensors"


def save_torchscript(state: State, folder: Path) -> Path:
    """As OpenAI's file: a traced module whose `visual` holds the tower."""
    whole = random_trunk(0)
    whole.visual.load_state_dict(state)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TorchScript is deprecated
        script = torch.jit.trace(whole, torch.zeros(1, 3, 32, 32), check_trace=False)  # type: ignore[no-untyped-call]  # of torch
        script.save(folder / "script.pt")
    return folder / "script.pt"


@pytest.mark.parametrize("save", [save_plain, save_prefixed_with_text_tower, save_safetensors, save_torchscript])
def test_loads_the_same_trunk_from_every_form(
    save: Callable[[State, Path], Path], state: State, tmp_path: Path
) -> None:
    loaded = load_trunk(save(state, tmp_path)).visual.state_dict()
    assert loaded.keys() == state.keys()
    assert all(torch.equal(loaded[name], tensor) for name, tensor in state.items())


def test_half_precision_weights_are_widened(state: State, tmp_path: Path) -> None:
    halves = {name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in state.items()}
    assert load_trunk(save_plain(halves, tmp_path)).visual.conv1.weight.dtype is torch.float32


def test_refuses_weights_with_a_layer_missing(state: State, tmp_path: Path) -> None:
    less = {name: tensor for name, tensor in state.items() if not name.startswith("layer3.22")}
    with pytest.raises(ConfigurationError, match=r"not CLIP RN101.*missing, first layer3\.22.*PATCHWATCH_CLIP_WEIGHTS"):
        load_trunk(save_plain(less, tmp_path))


def test_refuses_weights_of_another_width(state: State, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"conv1\.weight is \(40, 3, 3, 3\), not \(32, 3, 3, 3\)"):
        load_trunk(save_plain(state | {"conv1.weight": torch.zeros(40, 3, 3, 3)}, tmp_path))


def test_refuses_weights_that_are_not_finite(state: State, tmp_path: Path) -> None:
    broken = state | {"bn1.bias": torch.full((32,), float("nan"))}
    with pytest.raises(ConfigurationError, match=r"bn1\.bias holds values that are not finite"):
        load_trunk(save_plain(broken, tmp_path))


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_refuses_a_file_that_holds_no_weights(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"text{suffix}"
    path.write_text("not weights\n" * 40)
    with pytest.raises(ConfigurationError, match="patchwatch weights pull clip-rn101"):
        load_trunk(path)


def test_refuses_a_truncated_file(state: State, tmp_path: Path) -> None:
    path = save_plain(state, tmp_path)
    path.write_bytes(path.read_bytes()[:100_000])
    with pytest.raises(ConfigurationError, match="cannot be read as weights"):
        load_trunk(path)


def test_never_unpickles_code(tmp_path: Path) -> None:
    torch.save({"conv1.weight": Path("anything")}, tmp_path / "pickled.pt")
    with pytest.raises(ConfigurationError, match="cannot be read as weights"):
        load_trunk(tmp_path / "pickled.pt")


def test_random_weights_are_the_same_for_the_same_seed_only() -> None:
    first, again, other = (random_trunk(seed).visual.layer3[22].conv2.weight for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def pictures(*shapes: tuple[int, int]) -> list[np.ndarray]:
    noise = np.random.default_rng(5)
    return [noise.integers(0, 256, (height, width, 3), np.uint8) for height, width in shapes]


@pytest.mark.parametrize("precision", ["fp32", "auto"])
def test_a_vector_does_not_depend_on_its_batch(precision: str) -> None:
    backbone = Backbone(random_trunk(3, SHALLOW), choose_compute("cpu", precision))  # type: ignore[arg-type]
    batch = pictures((90, 120), (200, 64), (240, 240))
    boxes = [np.array([[3, 4, 40, 80], [10, 10, 60, 70]], np.float32), *[np.zeros((0, 4), np.float32)] * 2]
    whole, crops = backbone.embed(DeviceBatch.upload(batch), boxes)
    assert [len(result) for result in crops] == [2, 0, 0]
    for number, (picture, result) in enumerate(zip(batch, boxes, strict=True)):
        alone, alone_crops = backbone.embed(DeviceBatch.upload([picture]), [result])
        np.testing.assert_allclose(alone[0], whole[number], rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(alone_crops[0], crops[number], rtol=1e-4, atol=1e-4)


def test_a_crop_is_embedded_as_if_it_were_a_picture() -> None:
    backbone = Backbone(random_trunk(3, SHALLOW), choose_compute("cpu", "fp32"))
    (picture,) = pictures((100, 140))
    _, (result,) = backbone.embed(DeviceBatch.upload([picture]), [np.array([[20.7, 10.2, 90.9, 60.5]], np.float32)])
    alone, _ = backbone.embed(DeviceBatch.upload([picture[10:60, 20:90]]), [np.zeros((0, 4), np.float32)])
    np.testing.assert_allclose(result, alone, rtol=1e-5, atol=1e-5)


def test_no_pictures_yield_no_vectors() -> None:
    whole, crops = Backbone(random_trunk(3, SHALLOW), choose_compute("cpu")).embed(DeviceBatch.upload([]), [])
    assert whole.shape == (0, 1536)
    assert crops == []


@pytest.mark.usefixtures("gpu")
def test_a_gpu_agrees_with_the_cpu() -> None:
    batch, none = pictures((120, 160), (360, 640)), [np.zeros((0, 4), np.float32)] * 2
    here = Backbone(random_trunk(3), Compute(torch.device("cpu"), torch.float32))
    exact, _ = here.embed(DeviceBatch.upload(batch), none)
    for precision, tolerance in (("fp32", 2e-3), ("auto", 1e-2)):
        compute = choose_compute("cuda", precision)  # type: ignore[arg-type]
        there, _ = Backbone(random_trunk(3), compute).embed(DeviceBatch.upload(batch, compute.device), none)
        gap = np.linalg.norm(there - exact, axis=1) / np.linalg.norm(exact, axis=1)
        assert gap.max() < tolerance
