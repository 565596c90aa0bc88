"""Fixtures of all tests, and the rule for parts that may be absent.

A test marked ``redis_server``, ``gst``, ... skips where that part is absent, and fails there when the part is named in
``PATCHWATCH_REQUIRE`` (a comma-separated list, set in CI).
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from patchwatch.bus_server import embedded_redis, private_redis

DATA = Path(os.environ.get("PATCHWATCH_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))


def _has_gst() -> bool:
    code = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"
    return subprocess.run(["/usr/bin/python3", "-c", code], capture_output=True).returncode == 0


def _has_clip() -> bool:
    return all(importlib.util.find_spec(name) for name in ("torch", "open_clip", "ultralytics"))


def _has_gpu() -> bool:
    if not _has_clip():
        return False
    import torch

    return torch.cuda.is_available()


PARTS: dict[str, Callable[[], bool]] = {
    "redis_server": lambda: shutil.which("redis-server") is not None,
    "gst": _has_gst,
    "ffmpeg": lambda: shutil.which("ffmpeg") is not None,
    "browser": lambda: shutil.which("chromium") is not None,
    "nginx": lambda: shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin") is not None,
    "clip": _has_clip,
    "data": DATA.is_dir,
    "gpu": _has_gpu,
}


@cache
def _present(part: str) -> bool:
    return PARTS[part]()


def pytest_runtest_setup(item: pytest.Item) -> None:
    required = os.environ.get("PATCHWATCH_REQUIRE", "").split(",")
    for part in PARTS:
        if item.get_closest_marker(part) and not _present(part):
            if part in required:
                pytest.fail(f"{part} is required here (PATCHWATCH_REQUIRE) but absent", pytrace=False)
            pytest.skip(f"{part} is absent")


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of shared real data; for tests marked ``data``."""
    return DATA


@pytest.fixture(autouse=True)
def _no_settings_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith("PATCHWATCH_") and name not in ("PATCHWATCH_REQUIRE", "PATCHWATCH_TEST_DATA"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PATCHWATCH_DATA_DIR", str(tmp_path / "data"))


@pytest.fixture(params=["embedded", pytest.param("server", marks=pytest.mark.redis_server)])
def bus_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A fresh, empty queue: each test runs on the embedded one and on a real redis-server."""
    with embedded_redis() if request.param == "embedded" else private_redis() as url:
        yield url
