"""A network run by OpenVINO on a CPU: docs/decisions/022-openvino.md."""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import nn

from models.runtimes.device_batch import first_output
from models.runtimes.openvino_import import silent_openvino

_HINTS = {torch.bfloat16: "bf16", torch.float32: "f32"}


class OpenVinoModel:
    """Compiled at the first batch of each height and width, for any number of pictures. Not thread-safe.

    float32 in and out; ``dtype`` is the precision within.
    """

    failed = eager = 0

    def __init__(self, module: nn.Module, dtype: torch.dtype) -> None:
        self._module = _First(module)
        self._options = {
            "INFERENCE_PRECISION_HINT": _HINTS[dtype],
            "PERFORMANCE_HINT": "LATENCY",  # all cores on one batch, as torch does
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        }
        self._requests: dict[tuple[int, ...], Any] = {}

    def __call__(self, pictures: torch.Tensor) -> torch.Tensor:
        pictures = pictures.float().contiguous()
        shape = tuple(pictures.shape[1:])
        if shape not in self._requests:
            self._requests[shape] = self._compile(pictures).create_infer_request()
        return torch.from_numpy(self._requests[shape].infer({0: pictures.numpy()})[0])

    def prepare(self, shape: tuple[int, int, int], most: int) -> None:
        """Compile the network for this shape, with batches of any size."""
        self(torch.zeros((1, *shape)))

    def _compile(self, pictures: torch.Tensor) -> Any:
        openvino = silent_openvino()  # before its parts
        from openvino.frontend import FrontEndManager
        from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

        frontend = FrontEndManager().load_by_framework("pytorch")
        decoder = TorchScriptPythonDecoder(_traced(self._module, pictures))  # must outlive the conversion
        model = frontend.convert(frontend.load(decoder))
        model.reshape([-1, *pictures.shape[1:]])
        return openvino.Core().compile_model(model, "CPU", self._options)


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
