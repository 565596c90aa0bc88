"""The trunk with what follows a convolution inside of it: ReLU, and the sum with a block's input, by cuDNN.

Apart, those passes read and write every map once more, which is most of the memory traffic of the trunk on a GPU.
"""

from __future__ import annotations

import torch
from open_clip.modified_resnet import Bottleneck, ModifiedResNet
from torch import nn

_aten = torch.ops.aten


def fuse_activations(visual: ModifiedResNet) -> None:
    """In place; the batch norms must be folded into their convolutions already. On CUDA only; equal up to rounding."""
    visual.stem = _Stem(visual)
    for name in ("layer1", "layer2", "layer3"):
        setattr(visual, name, nn.Sequential(*(_Block(block) for block in getattr(visual, name))))


class _Stem(nn.Module):
    def __init__(self, visual: ModifiedResNet) -> None:
        super().__init__()
        self.conv1, self.conv2, self.conv3 = visual.conv1, visual.conv2, visual.conv3
        self.avgpool = visual.avgpool

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        for convolution in (self.conv1, self.conv2, self.conv3):
            pictures = _with_relu(convolution, pictures)
        pooled: torch.Tensor = self.avgpool(pictures)
        return pooled


class _Block(nn.Module):
    def __init__(self, block: Bottleneck) -> None:
        super().__init__()
        self.conv1, self.conv2, self.conv3 = block.conv1, block.conv2, block.conv3
        self.avgpool = block.avgpool
        self.downsample = block.downsample or nn.Identity()

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        inner = _with_relu(self.conv2, _with_relu(self.conv1, maps))
        return _with_sum_and_relu(self.conv3, self.avgpool(inner), self.downsample(maps))


def _with_relu(convolution: nn.Conv2d, maps: torch.Tensor) -> torch.Tensor:
    conv = convolution
    output: torch.Tensor = _aten.cudnn_convolution_relu(
        maps, conv.weight, conv.bias, conv.stride, conv.padding, conv.dilation, conv.groups
    )
    return output


def _with_sum_and_relu(convolution: nn.Conv2d, maps: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    conv = convolution
    output: torch.Tensor = _aten.cudnn_convolution_add_relu(
        maps, conv.weight, other, 1.0, conv.bias, conv.stride, conv.padding, conv.dilation, conv.groups
    )
    return output
