"""The environment of a child process that handles what strangers send, or speaks to them: no token, no password."""

from __future__ import annotations

import os

_KEPT_VARIABLES = {
    "PATH", "HOME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR",
}  # fmt: skip
_KEPT_PREFIXES = ("LC_", "PYTHON", "MALLOC_")
# Processors, threads and memory of torch, OpenCV and OpenVINO, and where this user's caches and data are.
_OF_COMPUTING = (
    "CUDA_", "NVIDIA_", "HIP_", "HSA_", "ROCR_", "TORCH", "PYTORCH_", "OMP_", "KMP_", "GOMP_", "MKL_", "OPENBLAS_",
    "OPENCV_", "XDG_",
)  # fmt: skip


def bare_environment() -> dict[str, str]:
    """What a program needs to run at all: neither our settings nor proxies."""
    return _kept(_KEPT_PREFIXES)


def computing_environment() -> dict[str, str]:
    """The same, and what says on which processors, with how many threads and how much memory networks run."""
    return _kept(_KEPT_PREFIXES + _OF_COMPUTING)


def _kept(prefixes: tuple[str, ...]) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name in _KEPT_VARIABLES or name.startswith(prefixes)}
