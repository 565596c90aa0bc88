"""The CLIP RN101 trunk: pictures in, one 1536-d vector each.

The embedding is PatchCore's (CVPR 2022) choice of middle layers, averaged over the whole picture: layer2 brought to
layer3's grid, concatenated, global average. Bringing 28x28 to 14x14 by bilinear interpolation averages 2x2 blocks, so
its mean is layer2's own mean and no interpolation is needed. Layers past layer3 and the text tower are never run.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from open_clip.constants import OPENAI_DATASET_MEAN, OPENAI_DATASET_STD
from open_clip.modified_resnet import ModifiedResNet
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from models.networks.fused_trunk import fuse_activations
from models.networks.squash import SIDE_PX, squash, squash_boxes, whole_pixels
from models.runtimes.device import Compute
from models.runtimes.device_batch import DeviceBatch
from models.runtimes.runtime import runner
from models.weights.catalog import is_safetensors
from models.weights.network_identity import tensors_sha256
from models.weights.torchscript import is_torchscript, read_torchscript
from patchwatch.contract.errors import ConfigurationError

DIM = 1536
RN101_LAYERS = (3, 4, 23, 3)  # CLIP, table 19 of Radford et al., 2021
_CHUNK = {"cpu": 16, "cuda": 256}  # pictures per forward: bounds memory
_RESIDUAL_GAIN = 0.2  # random weights: 33 blocks in a row must neither vanish nor overflow half precision


class Trunk(nn.Module):
    """RN101 up to layer3, and the averages of its last two layers."""

    def __init__(self, visual: ModifiedResNet) -> None:
        super().__init__()
        self.visual = visual

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Normalised (n, 3, 224, 224) -> float32 (n, 1536)."""
        middle = self.visual.layer2(self.visual.layer1(self.visual.stem(pictures)))
        late = self.visual.layer3(middle)
        return torch.cat([layer.mean((2, 3), dtype=torch.float32) for layer in (middle, late)], dim=1)


class Backbone:
    """The trunk on a device, with its preprocessing. Not thread-safe."""

    def __init__(self, trunk: Trunk, compute: Compute) -> None:
        self.compute = compute
        self.tensors_sha256 = tensors_sha256(trunk.visual.state_dict())  # before fusing, which differs by device
        _fuse_batch_norms(trunk)
        if compute.fused:
            fuse_activations(trunk.visual)
        trunk = trunk.to(compute.device, compute.held).to(memory_format=compute.memory_format).eval()
        self.run = runner(trunk, compute)
        shape = (1, 3, 1, 1)
        self._mean = torch.tensor(OPENAI_DATASET_MEAN, device=compute.device).reshape(shape) * 255.0
        self._std = torch.tensor(OPENAI_DATASET_STD, device=compute.device).reshape(shape) * 255.0

    def prepare(self) -> None:
        """Make ready for batches of any size."""
        self.run.prepare((3, SIDE_PX, SIDE_PX), _CHUNK[self.compute.device.type])

    @torch.inference_mode()
    def embed(
        self, pictures: DeviceBatch, boxes_xyxy_px: Sequence[NDArray[np.float32]]
    ) -> tuple[NDArray[np.float32], list[NDArray[np.float32]]]:
        """Vectors of whole pictures and of boxes in them, through the trunk together.

        ``boxes_xyxy_px``: per picture float32 (n, 4). Returns float32 (pictures, 1536) and per picture
        float32 (n, 1536).
        """
        squashed, owners = [], []  # the owner of a row: its picture; first come all whole pictures, then all boxes
        for group in pictures.groups:
            squashed.append(squash(group.stack))
            owners += group.numbers
        for group in pictures.groups:
            rows = [row for row, number in enumerate(group.numbers) for _ in boxes_xyxy_px[number]]
            boxes = [box for number in group.numbers for box in boxes_xyxy_px[number]]
            cut = [whole_pixels(box, group.height, group.width) for box in boxes]
            squashed.append(squash_boxes(group.stack, rows, cut))
            owners += [group.numbers[row] for row in rows]
        vectors, owner = self._vectors(squashed), np.array(owners, np.int64)
        whole, crops = np.empty((pictures.count, DIM), np.float32), vectors[pictures.count :]
        whole[owner[: pictures.count]] = vectors[: pictures.count]
        return whole, [crops[owner[pictures.count :] == number] for number in range(pictures.count)]

    def _vectors(self, squashed: Sequence[torch.Tensor]) -> NDArray[np.float32]:
        if not squashed:
            return np.zeros((0, DIM), np.float32)
        together = torch.cat(list(squashed))
        size = _CHUNK[self.compute.device.type]
        vectors_of_chunks = [self._forward(together[at : at + size]) for at in range(0, len(together), size)]
        vectors: NDArray[np.float32] = torch.cat(vectors_of_chunks).cpu().numpy()
        return vectors

    def _forward(self, pictures: torch.Tensor) -> torch.Tensor:
        return self.run((pictures.float() - self._mean) / self._std)


def load_trunk(path: Path) -> Trunk:
    """Read OpenAI's TorchScript file, or open_clip's state dict or safetensors; names may begin with ``visual.``.

    Raises `ConfigurationError` when the file cannot be read or is not CLIP RN101.
    """
    trunk = _empty_trunk()
    state = _visual_part(_read_state(path))
    wanted = trunk.visual.state_dict()
    missing = sorted(name for name in wanted if name not in state and not name.endswith("num_batches_tracked"))
    if missing:
        raise _not_rn101(path, f"{len(missing)} tensors are missing, first {missing[0]}")
    for name, tensor in wanted.items():
        if name in state and state[name].shape != tensor.shape:
            raise _not_rn101(path, f"{name} is {tuple(state[name].shape)}, not {tuple(tensor.shape)}")
    kept = {name: state[name].float() for name in wanted if name in state}
    broken = [name for name, tensor in kept.items() if not torch.isfinite(tensor).all()]
    if broken:
        raise _not_rn101(path, f"{broken[0]} holds values that are not finite")
    trunk.visual.load_state_dict(kept, strict=False)
    return trunk


def random_trunk(seed: int = 0, layers: tuple[int, int, int, int] = RN101_LAYERS) -> Trunk:
    """An untrained trunk, the same for the same seed: for tests and benchmarks only, never chosen silently.

    ``layers``: blocks in each layer; fewer of them make the same computation shorter.
    """
    trunk = _empty_trunk(layers)
    generator = torch.Generator().manual_seed(seed)
    for name, module in trunk.visual.named_modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, generator=generator)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.constant_(module.weight, _RESIDUAL_GAIN if name.endswith("bn3") else 1.0)
    return trunk


def _empty_trunk(layers: tuple[int, int, int, int] = RN101_LAYERS) -> Trunk:
    """RN101 without layer4 and attention pool, batch norms neutral, convolutions not yet filled."""
    with torch.device("meta"):  # no memory and no initialisation for what is thrown away
        visual = ModifiedResNet(layers=list(layers), output_dim=512, heads=32, image_size=SIDE_PX, width=64)
    del visual.layer4, visual.attnpool
    visual.to_empty(device="cpu")
    for module in visual.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_parameters()
    return Trunk(visual.eval().requires_grad_(False))


def _read_state(path: Path) -> dict[str, Any]:
    try:
        if path.suffix == ".safetensors" or is_safetensors(path):
            from safetensors.torch import load_file

            return load_file(path)
        if is_torchscript(path):
            return dict(read_torchscript(path))
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # noqa: BLE001 (border: readers of foreign files raise anything)
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise ConfigurationError(
            f"{path} cannot be read as weights ({reason[:200]}): correct PATCHWATCH_CLIP_WEIGHTS, or unset it and run "
            "`patchwatch weights pull clip-rn101`"
        ) from None
    if isinstance(content, dict) and isinstance(content.get("state_dict"), dict):
        content = content["state_dict"]
    if not isinstance(content, dict):
        raise _not_rn101(path, f"it holds a {type(content).__name__}, not a state dict")
    return content


def _visual_part(state: dict[str, Any]) -> dict[str, torch.Tensor]:
    tensors = {str(name).removeprefix("module."): value for name, value in state.items() if torch.is_tensor(value)}
    prefixed = {name.removeprefix("visual."): value for name, value in tensors.items() if name.startswith("visual.")}
    return prefixed or tensors


def _not_rn101(path: Path, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"{path} is not CLIP RN101 ({why}): correct PATCHWATCH_CLIP_WEIGHTS, or unset it and run "
        "`patchwatch weights pull clip-rn101`"
    )


def _fuse_batch_norms(trunk: Trunk) -> None:
    """Fold each batch norm into the convolution before it: equal arithmetic, a third fewer passes over memory."""
    for module in list(trunk.visual.modules()):
        for conv, norm in (("conv1", "bn1"), ("conv2", "bn2"), ("conv3", "bn3"), ("0", "1")):
            pair = getattr(module, conv, None), getattr(module, norm, None)
            if isinstance(pair[0], nn.Conv2d) and isinstance(pair[1], nn.BatchNorm2d):
                setattr(module, conv, fuse_conv_bn_eval(pair[0], pair[1]))
                setattr(module, norm, nn.Identity())
