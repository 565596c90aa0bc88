"""``patchwatch weights`` as a user runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from patchwatch.cli.commands.weights import app
from patchwatch.contract.errors import NotFoundError, RejectedError


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATCHWATCH_WEIGHTS_DIR", str(tmp_path))
    return tmp_path


def test_list_says_where_each_comes_from_and_what_is_missing() -> None:
    result = CliRunner().invoke(app, ["list", "--json"])
    rows = {row["name"]: row for row in json.loads(result.stdout)["weights"]}
    hub, _, openai = rows["clip-rn101"]["sources"]
    assert hub["source"] == "hub timm/resnet101_clip.openai (open_clip_model.safetensors)"
    assert openai["sha256"] in openai["source"]
    assert rows["yolov5s"]["present"] is False
    assert "MISSING" in CliRunner().invoke(app, ["list"]).stdout


def test_what_comes_with_the_installation_is_listed_and_verified_and_not_fetched() -> None:
    rows = json.loads(CliRunner().invoke(app, ["list", "--json"]).stdout)["weights"]
    [embedded] = [row for row in rows if row["name"] == "efficientnet-lite0"]
    assert (embedded["present"], embedded["licence"], embedded["setting"]) == (True, "Apache-2.0", None)
    assert "part of the installation" in CliRunner().invoke(app, ["list"]).stdout
    verified = CliRunner().invoke(app, ["verify", "efficientnet-lite0"])
    assert verified.exit_code == 0
    assert verified.stdout.startswith("efficientnet-lite0: ok ")
    both = CliRunner().invoke(app, ["verify", "efficientnet-lite0", "yolov5s", "--json"])
    checks = {row["name"]: row["verdict"] for row in json.loads(both.stdout)["weights"]}
    assert checks == {"efficientnet-lite0": "ok", "yolov5s": "missing"}
    refused = CliRunner().invoke(app, ["pull", "efficientnet-lite0"])
    assert isinstance(refused.exception, RejectedError)
    assert "comes with the installation" in str(refused.exception)


def test_verify_fails_and_names_the_command_that_fixes_it() -> None:
    result = CliRunner().invoke(app, ["verify"])
    assert result.exit_code == 2
    assert "patchwatch weights pull clip-rn101" in result.stdout


def test_verify_calls_a_wrong_file_wrong(folder: Path) -> None:
    (folder / "RN101.pt").write_bytes(b"half")
    result = CliRunner().invoke(app, ["verify", "clip-rn101", "--json"])
    assert result.exit_code == 2
    assert json.loads(result.stdout)["weights"][0]["verdict"] == "wrong"


def test_verify_passes_with_files_of_ones_own(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "own.pt").write_bytes(b"mine")
    monkeypatch.setenv("PATCHWATCH_DETECTOR_WEIGHTS", str(folder / "own.pt"))
    result = CliRunner().invoke(app, ["verify", "yolov5s"])
    assert result.exit_code == 0
    assert "own" in result.stdout


def test_a_password_of_ones_own_address_is_not_shown(tmp_path: Path) -> None:
    """Neither in the error nor where it worked."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PATCHWATCH_")}
    for own in ("http://me:hunter2@127.0.0.1:9/RN101.pt", "http://127.0.0.1:9/RN101.pt?sig=hunter2"):
        done = subprocess.run(
            [sys.executable, "-m", "patchwatch", "weights", "pull", "clip-rn101", "--from", own],
            env=environment | {"PATCHWATCH_WEIGHTS_DIR": str(tmp_path)}, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert done.returncode == 1
        assert "127.0.0.1:9" in done.stderr
        assert "hunter2" not in done.stdout + done.stderr


def test_an_unknown_name_is_refused() -> None:
    result = CliRunner().invoke(app, ["pull", "resnet"])
    assert isinstance(result.exception, NotFoundError)
