"""What the tests of a folder share is made once, and is over when tests of another folder run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SUPPORT = Path(__file__).parent / "support"
CONFTEST = """
from contextlib import contextmanager
from pathlib import Path
import pytest
from folder_lifetime import of_folder

@contextmanager
def made():
    print("made")
    {fault}
    yield "shared"
    print("left")

@pytest.fixture
def shared(request):
    return of_folder(request, Path(__file__).parent, made)
"""
TWO_TESTS = """
def test_one(shared): print(shared)
def test_two(shared): print(shared)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    (tmp_path / "one" / "test_a.py").write_text(TWO_TESTS)
    (tmp_path / "one" / "test_b.py").write_text("def test_three(shared): print(shared)\n")
    (tmp_path / "two" / "test_c.py").write_text("def test_elsewhere(): print('elsewhere')\n")
    return tmp_path


def run(folder: Path, fault: str = "") -> str:
    """What the tests print, each word on a line."""
    (folder / "one" / "conftest.py").write_text(CONFTEST.format(fault=fault))
    environment = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""}
    options = ["-qs", "--tb=line", "-p", "no:cacheprovider", "--import-mode=importlib", "-o", f"pythonpath={SUPPORT}"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, "-c", os.devnull, "--rootdir", folder, folder],
        capture_output=True, text=True, env=environment, cwd=folder,
    ).stdout  # fmt: skip


def words(output: str) -> list[str]:
    stripped = (word.lstrip(".E") for word in output.split())
    return [word for word in stripped if word in ("made", "shared", "left", "elsewhere")]


def test_it_is_made_once_and_left_after_the_last_test_of_its_folder(folder: Path) -> None:
    assert words(run(folder)) == ["made", "shared", "shared", "shared", "left", "elsewhere"]


def test_where_it_cannot_be_made_all_tests_fail_and_nobody_tries_again(folder: Path) -> None:
    output = run(folder, fault="raise OSError('no room')")
    assert words(output) == ["made", "elsewhere"]
    assert output.count("OSError: no room") >= 3
    assert "1 passed, 3 errors" in output
