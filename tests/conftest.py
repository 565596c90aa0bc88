"""Fixtures of all tests, and how they run side by side.

What a test uses decides what it needs of the machine: see `parts`.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import distribution
import hypothesis
import once_a_run
import parts
import pytest
import random_threads

from patchwatch.local_redis.private_server import private_redis

# Collecting garbage while tests are collected finds none, and later hardly any among what they import: a tenth of the
# time that collection takes, and half a second of each full collection after it.
gc.disable()

# A busy machine draws no conclusions: what takes long is found by --durations, not by failures.
hypothesis.settings.register_profile(
    "patchwatch", hypothesis.settings.default, deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("patchwatch")
if "PYTEST_XDIST_WORKER" in os.environ:
    # Several at once keep the processors busy; threads that wait for each other in a loop would only take turns.
    for library in ("OMP", "OPENBLAS", "MKL"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    os.environ.setdefault("OPENCV_FOR_THREADS_NUM", "1")
parts.guard()
random_threads.keep_apart()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Tests wait nearly as much as they compute; but each worker costs ten seconds to begin with, and a gigabyte with
    torch."""
    return min(12, 2 * len(os.sched_getaffinity(0)))


@pytest.hookimpl(tryfirst=True)  # before -m chooses
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: distribution.turn(item.nodeid))
    for item in items:
        if "gpu" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.gpu)


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


def pytest_unconfigure() -> None:
    gc.unfreeze()  # or libraries tell at the end that they leak
    gc.enable()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    return distribution.scheduling(config, log)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """A part may be named by a marker too: before costly fixtures."""
    for part in parts.PARTS:
        if item.get_closest_marker(part):
            parts.need(part)


@pytest.fixture(scope="session", autouse=True)
def _made_once_a_run(tmp_path_factory: pytest.TempPathFactory) -> None:
    once_a_run.begin(tmp_path_factory, is_one_of_many="PYTEST_XDIST_WORKER" in os.environ)


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of shared real data."""
    return parts.data()


@pytest.fixture(scope="session")
def gpu() -> Any:
    """The CUDA device."""
    parts.need("gpu")
    return parts.torch().device("cuda")


@pytest.fixture(autouse=True)
def _no_settings_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith("PATCHWATCH_") and name not in ("PATCHWATCH_REQUIRE", "PATCHWATCH_TEST_DATA"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PATCHWATCH_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("PATCHWATCH_DEFAULT_PROFILE", "motion")  # the cheapest, where a test is about something else


@pytest.fixture
def bus_url() -> Iterator[str]:
    """A fresh, empty queue: a real server of this test's own."""
    with private_redis() as url:
        yield url
