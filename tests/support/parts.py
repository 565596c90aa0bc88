"""The parts that some tests need and a machine may lack, each behind one door.

Whoever goes through the door of an absent part skips there; or fails there, when ``PATCHWATCH_REQUIRE`` (names of
parts, separated by commas) says that the part must be present. So no test has to be marked: what it uses decides. A
program that is started past its door fails everywhere, also where it is installed (`guard`).
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

_DATA = Path(os.environ.get("PATCHWATCH_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))
_SBIN = f"{os.environ.get('PATH', '')}:/usr/sbin"  # where Debian puts nginx, and not every PATH leads
_SYSTEM_PYTHON = "/usr/bin/python3"  # Debian's packages for GStreamer are for this one only
_GUARDED = {
    "ffmpeg": "ffmpeg",
    "ffprobe": "ffmpeg",
    "gst-launch-1.0": "gst",
    "chromium": "browser",
    "nginx": "nginx",
    "mosquitto": "mosquitto",
    "helm": "helm",
    "promtool": "promtool",
    "ip": "hosts",
    "cc": "cc",
}


class Program(str):
    """The path of a program that came through its door; only such a one may be started."""

    __slots__ = ()


def _has_gst() -> bool:
    if shutil.which("gst-launch-1.0") is None or not Path(_SYSTEM_PYTHON).exists():
        return False
    code = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"
    return subprocess.run([Program(_SYSTEM_PYTHON), "-c", code], capture_output=True).returncode == 0


def _has(*modules: str) -> bool:
    return all(importlib.util.find_spec(name) for name in modules)


def _has_hosts() -> bool:
    """Whether network namespaces can be made: that takes root, and a kernel that lets it."""
    path = shutil.which("ip", path=_SBIN)
    name = f"pw-try-{os.getpid()}"
    if path is None or subprocess.run([Program(path), "netns", "add", name], capture_output=True).returncode != 0:
        return False
    return subprocess.run([Program(path), "netns", "del", name], capture_output=True).returncode == 0


def _has_history() -> bool:
    """Whether this is a clone that reaches back to the last release."""
    asked = ["git", "cat-file", "-e", "9422272b555d^{commit}"]
    return subprocess.run(asked, cwd=Path(__file__).parent, capture_output=True).returncode == 0


def _has_gpu() -> bool:
    return present("clip") and bool(import_module("torch").cuda.is_available())


PARTS: dict[str, Callable[[], bool]] = {
    "ffmpeg": lambda: shutil.which("ffmpeg") is not None,
    "gst": _has_gst,
    "browser": lambda: shutil.which("chromium") is not None,
    "clip": lambda: _has("torch", "open_clip", "ultralytics"),
    "openvino": lambda: _has("openvino"),
    "nginx": lambda: shutil.which("nginx", path=_SBIN) is not None,
    "mosquitto": lambda: shutil.which("mosquitto", path=_SBIN) is not None,
    "helm": lambda: shutil.which("helm") is not None,
    "promtool": lambda: shutil.which("promtool") is not None,
    "kubernetes": lambda: _has("kubernetes_validate"),
    "s3": lambda: _has("moto", "flask", "obstore"),
    "otel": lambda: _has("opentelemetry") and _has("opentelemetry.exporter") and _has("opentelemetry.exporter.otlp"),
    "docs": lambda: _has("sphinx", "myst_parser", "furo"),
    "hosts": _has_hosts,
    "history": _has_history,
    "cc": lambda: shutil.which("cc") is not None,
    "data": _DATA.is_dir,
    "gpu": _has_gpu,
}


@cache
def present(part: str) -> bool:
    return PARTS[part]()


def need(part: str) -> None:
    """Goes on where the part is present. At the top of a module: for all its tests."""
    if present(part):
        return
    if part in os.environ.get("PATCHWATCH_REQUIRE", "").split(","):
        pytest.fail(f"{part} is required here (PATCHWATCH_REQUIRE) but absent", pytrace=False)
    pytest.skip(f"{part} is absent", allow_module_level=True)


def _program(part: str, name: str) -> Program:
    need(part)
    path = shutil.which(name, path=_SBIN)
    assert path is not None, f"{part} is taken for present, but {name} is not on the PATH"
    return Program(path)


def which(name: str) -> str | None:
    """Where a program is that a test can do without, and that no run asks for."""
    return shutil.which(name)


def ffmpeg() -> Program:
    return _program("ffmpeg", "ffmpeg")


def gst_launch() -> Program:
    return _program("gst", "gst-launch-1.0")


def gst_python() -> Program:
    """The Python that has gst-rtsp-server's bindings."""
    need("gst")
    return Program(_SYSTEM_PYTHON)


def chromium() -> Program:
    return _program("browser", "chromium")


def nginx() -> Program:
    return _program("nginx", "nginx")


def mosquitto() -> Program:
    return _program("mosquitto", "mosquitto")


def helm() -> Program:
    return _program("helm", "helm")


def promtool() -> Program:
    return _program("promtool", "promtool")


def ip() -> Program:
    """That makes network namespaces."""
    return _program("hosts", "ip")


def cc() -> Program:
    return _program("cc", "cc")


def kubernetes_validate() -> Any:
    """The module with the schemas of Kubernetes."""
    need("kubernetes")
    return import_module("kubernetes_validate")


def torch() -> Any:
    """The module, where the whole clip extra is there."""
    need("clip")
    return import_module("torch")


def data() -> Path:
    """The folder of shared real data."""
    need("data")
    return _DATA


def guard() -> None:
    """From now on this process starts no program of a part that did not come through its door, and does not fork: its
    libraries run threads, whose locks a copy of it would wait for in vain."""
    own_python = os.path.realpath(sys.executable) == os.path.realpath(_SYSTEM_PYTHON)

    def check(event: str, arguments: tuple[Any, ...]) -> None:
        assert event != "os.fork", "a copy of this process may hang: start a program, or a process by 'spawn'"
        if event != "subprocess.Popen":
            return
        for word in arguments[1] if isinstance(arguments[1], list) else arguments[:1]:
            part = None if isinstance(word, Program) else _part_of(os.fsdecode(word), own_python)
            assert part is None, f"{word} may be absent elsewhere: take it from `parts`, the door of {part!r}"

    sys.addaudithook(check)


def _part_of(word: str, own_python: bool) -> str | None:
    if word == _SYSTEM_PYTHON and not own_python:
        return "gst"
    return _GUARDED.get(word.rpartition("/")[2])
