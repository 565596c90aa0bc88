"""A network run by OpenVINO on a CPU: docs/decisions/022-openvino.md."""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import nn

from models.runtimes.device_batch import first_output
from models.runtimes.openvino_import import silent_openvino
from models.runtimes.openvino_requests import Hint, OpenVinoRequests, RequestsByShape, Shape

_HINTS: dict[torch.dtype, Hint] = {torch.bfloat16: "bf16", torch.float32: "f32"}


class OpenVinoModel:
    """Compiled at the first batch of each height and width. Not thread-safe.

    float32 in and out; ``dtype`` is the precision within.
    """

    failed = eager = 0

    def __init__(self, module: nn.Module, dtype: torch.dtype) -> None:
        self._module = _First(module)
        self._hint = _HINTS[dtype]
        self._requests = RequestsByShape(self._compiled)

    def __call__(self, pictures: torch.Tensor) -> torch.Tensor:
        pictures = pictures.float().contiguous()
        requests = self._requests.of(tuple(pictures.shape[1:]))
        [output] = requests([picture[None] for picture in pictures.numpy()])
        return torch.from_numpy(output)

    def prepare(self, shape: tuple[int, int, int], most: int) -> None:
        """Compile the network for this shape."""
        self._requests.of(shape)

    def _compiled(self, shape: Shape) -> OpenVinoRequests:
        silent_openvino()  # before its parts
        from openvino.frontend import FrontEndManager
        from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

        frontend = FrontEndManager().load_by_framework("pytorch")
        traced = _traced(self._module, torch.zeros((1, *shape)))
        decoder = TorchScriptPythonDecoder(traced)  # must outlive the compilation
        model = frontend.convert(frontend.load(decoder))
        model.reshape([1, *shape])
        return OpenVinoRequests(model, self._hint, torch.get_num_threads())


class _First(nn.Module):
    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        return first_output(self.module(pictures))


def _traced(module: nn.Module, pictures: torch.Tensor) -> Any:
    """Run before it is traced, since detection heads make their anchors at the first sight of a shape."""
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of sizes that become constants: each shape has a model of its own
        module(pictures)
        return torch.jit.trace(module, pictures, check_trace=False)  # type: ignore[no-untyped-call]
