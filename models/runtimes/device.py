"""Where the networks run, and in what precision: one setting decides."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import torch

from models.runtimes.device_setting import check_device, installed, usable_cores
from patchwatch.contract.errors import ConfigurationError

Precision = Literal["auto", "fp32"]

_TENSOR_CORES = (7, 0)  # compute capability from which half precision is the faster one


@dataclass(frozen=True)
class Compute:
    """Device, precision of the convolutions, what runs them, and how modules and pictures lie in memory."""

    device: torch.device
    dtype: torch.dtype
    runtime: Literal["torch", "openvino"] = "torch"
    fused: bool = False  # activations within the trunk's convolutions: models.networks.fused_trunk

    @property
    def held(self) -> torch.dtype:
        """Of modules and pictures: OpenVINO takes fp32 and converts by itself."""
        return self.dtype if self.runtime == "torch" else torch.float32

    @property
    def memory_format(self) -> torch.memory_format:
        return torch.contiguous_format if self.held is torch.float32 else torch.channels_last

    @property
    def name(self) -> str:
        """For people, logs and the API: ``cpu bfloat16``, ``cuda (NVIDIA H100) float16``."""
        precision = str(self.dtype).removeprefix("torch.")
        if self.device.type == "cuda":
            return f"cuda ({torch.cuda.get_device_name(self.device)}) {precision}"
        return f"{self.device.type if self.runtime == 'torch' else self.runtime} {precision}"


def choose_compute(
    setting: str = "auto", precision: Precision = "auto", threads: int | None = None, *, cuda_fused: bool = False
) -> Compute:
    """Turn the setting into a device and a precision, and set torch's thread count for the whole process: all cores
    on a CPU; on CUDA one, since more would only wait for each other over what little is done here.

    ``auto`` takes CUDA where torch sees a device, else the CPU; ``openvino`` is the CPU too, with OpenVINO in torch's
    place (the detector's also with ``auto``: `for_detector`). CUDA computes in fp16, a CPU in bf16 where it has native
    instructions for it, else fp32; ``precision="fp32"`` overrides both. Raises `ConfigurationError` for CUDA or
    OpenVINO asked for but absent, or an unknown word.
    """
    check_device(setting)
    present = torch.cuda.is_available()
    if setting == "cuda" and not present:
        raise ConfigurationError(
            "PATCHWATCH_DEVICE=cuda, but torch sees no CUDA device: install the driver and a CUDA build of torch, "
            "or set PATCHWATCH_DEVICE=cpu"
        )
    on_cuda = setting == "cuda" or (setting == "auto" and present)
    torch.set_num_threads(threads or (1 if on_cuda else usable_cores()))
    if not on_cuda:
        dtype = torch.float32 if precision == "fp32" else _cpu_dtype()
        return Compute(torch.device("cpu"), dtype, "openvino" if setting == "openvino" else "torch")
    torch.backends.cudnn.allow_tf32 = precision != "fp32"  # TF32 keeps 10 of 23 bits of a mantissa
    dtype = torch.float32 if precision == "fp32" else _cuda_dtype()
    return Compute(torch.device("cuda"), dtype, fused=cuda_fused)


def for_detector(compute: Compute, setting: str = "auto") -> Compute:
    """What runs the detector: OpenVINO where ``auto`` chose the CPU and OpenVINO is installed, else the same. Its boxes
    are as near to those of fp32 as torch's, for two thirds of the processor time (docs/decisions/075-cpu.md)."""
    if setting == "auto" and compute.device.type == "cpu" and installed("openvino"):
        return replace(compute, runtime="openvino")
    return compute


def _cpu_dtype() -> torch.dtype:
    """bf16 without native instructions is emulated, and slower than fp32."""
    native = [getattr(torch.cpu, f"_is_{name}_supported", lambda: False)() for name in ("avx512_bf16", "amx_tile")]
    return torch.bfloat16 if any(native) else torch.float32


def _cuda_dtype() -> torch.dtype:
    return torch.float16 if torch.cuda.get_device_capability() >= _TENSOR_CORES else torch.float32
