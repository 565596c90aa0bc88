"""The setting that says where networks run, read without torch."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

from patchwatch.contract.errors import ConfigurationError

DEVICES = ("auto", "cpu", "cuda", "openvino")
_DRIVERS = (Path("/dev/nvidiactl"), Path("/dev/dxg"), Path("/dev/nvmap"))  # of a PC, of WSL, of a Jetson


def check_device(setting: str) -> None:
    """Raises `ConfigurationError` for an unknown word, and for OpenVINO asked for but absent."""
    if setting not in DEVICES:
        raise ConfigurationError(f"PATCHWATCH_DEVICE={setting}: choose auto, cpu, cuda or openvino")
    if setting == "openvino" and not installed("openvino"):
        raise ConfigurationError(
            "PATCHWATCH_DEVICE=openvino, but OpenVINO is not installed: run `pip install '.[openvino]'` in the "
            "checkout, or set PATCHWATCH_DEVICE=cpu"
        )


def may_be_cuda(setting: str) -> bool:
    """Whether torch has to be asked for a GPU: its import takes seconds, so it is not asked where the answer is no."""
    return setting == "cuda" or (setting == "auto" and installed("torch") and any(map(Path.exists, _DRIVERS)))


def usable_cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def installed(module: str) -> bool:
    """Whether a module can be imported, without importing it."""
    return importlib.util.find_spec(module) is not None
