"""`make` sets itself up where little is there: without a venv module, without a home folder, over a copy."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

MAKEFILE = Path(__file__).parents[1] / "Makefile"
CACHES = "caches: ; @echo $${UV_CACHE_DIR-} $${PIP_CACHE_DIR-}"


def make(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    shutil.copy(MAKEFILE, folder)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("UV_", "PIP_", "XDG_", "MAKE"))}
    return subprocess.run(
        ["make", "--no-print-directory", *words],
        cwd=folder, env=kept | environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def script(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_a_python_without_venv_is_reported_in_one_line(tmp_path: Path) -> None:
    python = script(tmp_path / "python3", f'case "$*" in *ensurepip*) exit 1;; esac; exec {sys.executable} "$@"')
    answer = make(tmp_path, ".tools/uv/bin/uv", f"PYTHON={python}")
    words, failure = answer.stderr.splitlines()
    assert answer.returncode
    assert "apt install python3-venv" in words
    assert "Error 1" in failure
    assert answer.stdout == ""
    assert not (tmp_path / ".tools").exists()


@pytest.mark.parametrize("home", ["/dev/null/home", "/proc"])
def test_a_home_that_cannot_be_written_to_is_not_needed(tmp_path: Path, home: str) -> None:
    answer = make(tmp_path, "--eval", CACHES, "caches", HOME=home)
    assert answer.stdout.split() == [f"{tmp_path}/.tools/cache/uv", f"{tmp_path}/.tools/cache/pip"]


def test_a_cache_of_the_user_is_used(tmp_path: Path) -> None:
    assert make(tmp_path, "--eval", CACHES, "caches", HOME=str(tmp_path)).stdout.split() == []
    chosen = make(tmp_path, "--eval", CACHES, "caches", HOME="/proc", UV_CACHE_DIR="/chosen").stdout
    assert chosen.split()[0] == "/chosen"


def test_a_copy_that_pip_installed_gives_way_to_the_checkout(tmp_path: Path) -> None:
    copy = tmp_path / ".venv" / "lib" / "python3.11" / "site-packages" / "patchwatch" / "__init__.py"
    for path in (tmp_path / "pyproject.toml", tmp_path / "requirements" / "core.txt", tmp_path / ".venv/bin/python"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    uv = script(tmp_path / "uv", f'echo "$@" >> calls; case "$*" in *--editable*) rm -f {copy};; esac')
    core = (".venv/.core", f"UV={uv}")
    assert make(tmp_path, *core).returncode == 0
    assert make(tmp_path, "-q", *core).returncode == 0
    copy.parent.mkdir(parents=True)
    copy.touch()
    assert make(tmp_path, *core).returncode == 0
    assert (tmp_path / "calls").read_text().count("--editable .") == 2
    assert make(tmp_path, "-q", *core).returncode == 0
