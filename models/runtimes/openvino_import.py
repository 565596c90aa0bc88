"""OpenVINO without its telemetry: it reports to its makers, already when it is imported, where that is installed."""

from __future__ import annotations

import sys
from typing import Any

from patchwatch.contract.errors import ConfigurationError

_TELEMETRY = "openvino_telemetry"


def silent_openvino() -> Any:
    """The module ``openvino``, for which its telemetry is not there in this process, installed or not.

    Every import of it comes through here. Raises `ConfigurationError` where OpenVINO is not installed.
    """
    if not sys.modules.get(_TELEMETRY):
        sys.modules[_TELEMETRY] = None  # type: ignore[assignment]  # the import system's own word for "not there"
    try:
        import openvino
    except ImportError as error:
        raise ConfigurationError(
            f"OpenVINO cannot be loaded ({error}): run `pip install 'openvino>=2025.3'` (wheels exist for x86-64 and "
            "64-bit ARM), or choose a profile that does not need it, such as `motion`"
        ) from None
    return openvino
