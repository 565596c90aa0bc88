"""An ultralytics checkpoint read as data: no code of a hostile file runs, or it is not read at all."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import nn

from models.weights.ultralytics_import import import_ultralytics
from patchwatch.contract.errors import ConfigurationError

SAFE_SINCE = "8.4.138"  # measured: 8.4.66 runs code from a checkpoint; 8.4.67 does not, but refuses older files

Load = Callable[[Path], tuple[nn.Module, Any]]
_executions: list[str] = []  # what `_Canary` leaves where a loader runs code


def read_checkpoint(path: Path) -> nn.Module:
    """The network in a checkpoint. Raises `ConfigurationError` where the installed loader would run the file's code,
    and whatever ultralytics raises for a file that it cannot read."""
    import_ultralytics()
    from ultralytics.nn import tasks

    tasks.SAFE_LOAD = True  # somebody in this process may have imported it before, without the switch
    require_safe(tasks.load_checkpoint)
    model, _ = tasks.load_checkpoint(path)
    network: nn.Module = model
    return network


def require_safe(load: Load) -> None:
    """Raises `ConfigurationError` when ``load`` runs code of a file: tried on a harmless one of our own, since a
    version that does not know the switch for safe loading ignores it silently."""
    _executions.clear()
    with tempfile.TemporaryDirectory(prefix="patchwatch-checkpoint-") as folder:
        path = Path(folder) / "canary.pt"
        torch.save({"model": _Canary()}, path)
        with suppress(Exception):  # a refusal is welcome, however it is worded
            load(path)
    if _executions:
        raise ConfigurationError(
            f"no detector is loaded: ultralytics {version('ultralytics')} runs code that a weights file may hold. "
            f"Run `pip install 'ultralytics>={SAFE_SINCE}'`"
        )


class _Canary:
    """Stands in for code in a weights file."""

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return _note_execution, ("executed",)


def _note_execution(event: str) -> None:
    _executions.append(event)
