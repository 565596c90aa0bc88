"""Networks on a "cuda" device that this machine need not have: shapes and types are followed, nothing is computed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn.functional import conv2d

from models.networks import fused_trunk

CUDA = torch.device("cuda")


def faked(module: nn.Module, mode: FakeTensorMode) -> nn.Module:
    """In place: all that its parts hold becomes fake, of its type, on CUDA."""
    for part in module.modules():
        holders: tuple[dict[str, Any], ...] = (part._parameters, part._buffers, vars(part))
        for held in holders:
            for name, value in held.items():
                if isinstance(value, torch.Tensor):
                    fake = mode.from_tensor(value.detach())
                    with mode:
                        held[name] = fake.to(CUDA)
    return module


def emulate_cudnn(monkeypatch: pytest.MonkeyPatch) -> None:
    """cuDNN's convolutions with activations, by plain ones."""
    both = {"cudnn_convolution_relu": _with_relu, "cudnn_convolution_add_relu": _with_sum_and_relu}
    monkeypatch.setattr(fused_trunk, "_aten", SimpleNamespace(**both))


def _with_relu(*arguments: Any) -> torch.Tensor:
    maps, weight, bias, stride, padding, dilation, groups = arguments
    return torch.relu(conv2d(maps, weight, bias, stride, padding, dilation, groups))


def _with_sum_and_relu(*arguments: Any) -> torch.Tensor:
    maps, weight, other, alpha, bias, stride, padding, dilation, groups = arguments
    return torch.relu(conv2d(maps, weight, bias, stride, padding, dilation, groups) + alpha * other)
