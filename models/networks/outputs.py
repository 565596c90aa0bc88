"""What a network returns."""

from __future__ import annotations

from typing import Any

import torch


def first(outputs: Any) -> torch.Tensor:
    """The first of several outputs: detection networks also return their feature maps, which nothing here uses."""
    output: torch.Tensor = outputs[0] if isinstance(outputs, tuple | list) else outputs
    return output
