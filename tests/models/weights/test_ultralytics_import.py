"""Others in the process do not notice that ultralytics was imported: neither files, nor settings, nor functions."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import parts

parts.torch()

_PROGRAM = """
import os, cv2, numpy, torch
from PIL import Image, ImageFile, ImageOps
libraries = (cv2, numpy, torch, torch.serialization, Image, ImageFile, ImageOps)

def state():
    functions = {(library.__name__, name): id(value) for library in libraries for name, value in vars(library).items()
                 if callable(value)}
    return functions, dict(os.environ), cv2.getNumThreads(), numpy.get_printoptions(), repr(torch.ones(40))

before, *others = state()
from models.weights.ultralytics_import import import_ultralytics
import_ultralytics()
after, *others_after = state()
assert others_after == others, (others, others_after)
replaced = [name for name in before if after.get(name) != before[name]]
assert not replaced, replaced
from ultralytics.utils import ONLINE, AUTOINSTALL, SAFE_LOAD
assert not ONLINE and not AUTOINSTALL and SAFE_LOAD
"""


def test_the_process_and_home_stay_as_they_were(tmp_path: Path) -> None:
    environment = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[3])}
    subprocess.run([sys.executable, "-c", _PROGRAM], check=True, env=environment, timeout=90)
    assert [path for path in tmp_path.rglob("*") if "ltralytics" in path.name] == []
