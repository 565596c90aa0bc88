"""Ultralytics imported so that the rest of the process stays as it was."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import cv2
import numpy as np
import torch
from PIL import Image

# What it replaces in other libraries: its Image.open, for one, installs a package where a picture is corrupt.
_REPLACED: tuple[tuple[Any, str], ...] = (
    (Image, "open"),
    (cv2, "imread"),
    (cv2, "imwrite"),
    (cv2, "imshow"),
    (torch, "save"),
)


def import_ultralytics() -> None:
    """Import ultralytics without its settings file in HOME, its telemetry, its installing and its downloading.

    All of that is decided while it is imported, from the environment. What it changes for others, in the environment
    and in other libraries, is put back.
    """
    with tempfile.TemporaryDirectory(prefix="patchwatch-ultralytics-") as folder, _unchanged():
        os.environ |= {
            "YOLO_AUTOINSTALL": "false",
            "YOLO_OFFLINE": "true",
            "YOLO_VERBOSE": "false",
            "YOLO_CONFIG_DIR": folder,
            "ULTRALYTICS_SAFE_LOAD": "true",  # a checkpoint is data: only known classes are unpickled
        }
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        import ultralytics.nn.tasks  # noqa: F401


@contextmanager
def _unchanged() -> Iterator[None]:
    environment = dict(os.environ)
    functions = [(library, name, getattr(library, name)) for library, name in _REPLACED]
    threads = cv2.getNumThreads()
    try:
        with np.printoptions():
            yield
    finally:
        for name in os.environ.keys() - environment.keys():
            del os.environ[name]
        os.environ |= environment
        for library, name, function in functions:
            setattr(library, name, function)
        cv2.setNumThreads(threads)
        torch.set_printoptions(profile="default")  # type: ignore[no-untyped-call]
