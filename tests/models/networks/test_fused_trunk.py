"""The trunk with its activations inside the convolutions gives what it gave; cuDNN's calls are emulated on a CPU."""

from __future__ import annotations

import numpy as np
import parts
import pytest

parts.torch()
import torch  # noqa: E402
from fake_cuda import emulate_cudnn  # noqa: E402

from models.networks.backbone import Backbone, random_trunk  # noqa: E402
from models.runtimes.device import Compute, choose_compute  # noqa: E402
from models.runtimes.device_batch import DeviceBatch  # noqa: E402

NO_BOXES = [np.zeros((0, 4), np.float32)]
SHALLOW = (2, 2, 2, 1)  # a first and a further block of each layer
PICTURE = np.random.default_rng(5).integers(0, 256, (90, 120, 3), np.uint8)


def test_the_fused_trunk_embeds_what_the_plain_one_embeds(monkeypatch: pytest.MonkeyPatch) -> None:
    emulate_cudnn(monkeypatch)
    plain, fused = (
        Backbone(random_trunk(3, SHALLOW), Compute(torch.device("cpu"), torch.float32, fused=fused))
        for fused in (False, True)
    )
    actual, expected = (of.embed(DeviceBatch.upload([PICTURE]), NO_BOXES)[0] for of in (fused, plain))
    np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["cudnn_convolution_relu", "cudnn_convolution_add_relu"])
def test_the_emulated_calls_take_what_pytorchs_take(name: str) -> None:
    names = [argument.name for argument in getattr(torch.ops.aten, name).default._schema.arguments]
    assert names == [*["self", "weight"], *(["z", "alpha"] if "add" in name else []), "bias", "stride", "padding",
                     "dilation", "groups"]  # fmt: skip


@pytest.mark.gpu
@pytest.mark.parametrize(("precision", "within"), [("fp32", 1e-4), ("auto", 1e-2)])
def test_on_a_gpu_too(precision: str, within: float) -> None:
    vectors = []
    for fused in (False, True):
        compute = choose_compute("cuda", precision, cuda_fused=fused)  # type: ignore[arg-type]
        backbone = Backbone(random_trunk(3), compute)
        vectors.append(backbone.embed(DeviceBatch.upload([PICTURE], compute.device), NO_BOXES)[0])
    plain, fused_ = vectors
    assert np.linalg.norm(fused_ - plain) / np.linalg.norm(plain) < within
