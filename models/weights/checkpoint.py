"""An ultralytics checkpoint read as data: no code of a hostile file runs, or it is not read at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import cv2
import torch
from torch import nn

from patchwatch.contract.errors import ConfigurationError

SAFE_SINCE = "8.4.138"  # measured: 8.4.66 runs code from a checkpoint; 8.4.67 does not, but refuses older files

Load = Callable[[Path], tuple[nn.Module, Any]]
_executions: list[str] = []  # what `_Canary` leaves where a loader runs code


def read_checkpoint(path: Path) -> nn.Module:
    """The network in a checkpoint. Raises `ConfigurationError` where the installed loader would run the file's code,
    and whatever ultralytics raises for a file that it cannot read."""
    _import_quietly()
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


def _import_quietly() -> None:
    """Import ultralytics without its settings file in HOME, its telemetry, its installing and its downloading.

    All of that is decided while it is imported, from the environment; what it changes for others is put back.
    """
    quiet = {
        "YOLO_AUTOINSTALL": "false",
        "YOLO_OFFLINE": "true",
        "YOLO_VERBOSE": "false",
        "ULTRALYTICS_SAFE_LOAD": "true",  # a checkpoint is data: only known classes are unpickled
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1"),
    }
    opencv_threads = cv2.getNumThreads()
    with (
        tempfile.TemporaryDirectory(prefix="patchwatch-ultralytics-") as folder,
        _environment(quiet | {"YOLO_CONFIG_DIR": folder}),
    ):
        import ultralytics.nn.tasks  # noqa: F401
    cv2.setNumThreads(opencv_threads)


@contextmanager
def _environment(changes: dict[str, str]) -> Iterator[None]:
    before: dict[str, Any] = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
