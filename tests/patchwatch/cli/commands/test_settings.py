"""``patchwatch settings`` shows what is in force, without secrets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from patchwatch.cli.app import app
from patchwatch.cli.commands.settings import table
from patchwatch.contract.settings import Settings


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("PATCHWATCH_PORT", "38080")
    monkeypatch.setenv("PATCHWATCH_API_TOKEN", "TOKENVALUE")
    monkeypatch.setenv("PATCHWATCH_REDIS_URL", "redis://user:hunter2@redis:6379/0")
    monkeypatch.setenv("PATCHWATCH_DATA_DIR", "/somewhere")
    return lambda *words: CliRunner().invoke(app, ["settings", *words]).output


def test_values_in_force_are_shown_beside_their_default(shown: Any) -> None:
    lines = shown().splitlines()
    assert "PATCHWATCH_PORT=38080  (from environment; default: 8080)" in lines
    assert "PATCHWATCH_RTSP_PORT=8554" in lines
    assert "PATCHWATCH_MEDIA_DIRS=/somewhere/media" in lines
    assert len([line for line in lines if line.startswith("PATCHWATCH_")]) == len(Settings.model_fields)


@pytest.mark.parametrize("words", [(), ("--json",), ("--markdown",)])
def test_no_secret_is_shown(shown: Any, words: tuple[str, ...]) -> None:
    assert "TOKENVALUE" not in shown(*words)
    assert "hunter2" not in shown(*words)


def test_as_json_and_as_the_readmes_table(shown: Any) -> None:
    values = json.loads(shown("--json"))
    assert (values["PATCHWATCH_PORT"], values["PATCHWATCH_PUBLISH_USERNAME"]) == ("38080", None)
    assert values["PATCHWATCH_REDIS_URL"] == "redis://***@redis:6379/0"
    assert values["sources"]["PATCHWATCH_PORT"] == "environment"
    assert values["sources"]["PATCHWATCH_RTSP_PORT"] == "default"
    assert shown("--markdown") == table()


def test_each_value_says_which_file_it_comes_from(shown: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text("TOKENVALUE\n")
    (tmp_path / "patchwatch.toml").write_text('port = 1\nrtsp_port = 8654\npublish_password = "TOKENVALUE"\n')
    monkeypatch.setenv("PATCHWATCH_CONFIG_FILE", str(tmp_path / "patchwatch.toml"))
    monkeypatch.setenv("PATCHWATCH_PUBLISH_USERNAME", "cam")
    monkeypatch.delenv("PATCHWATCH_API_TOKEN")
    monkeypatch.setenv("PATCHWATCH_API_TOKEN_FILE", str(tmp_path / "token"))
    lines = shown().splitlines()
    assert "PATCHWATCH_PORT=38080  (from environment; default: 8080)" in lines
    assert f"PATCHWATCH_RTSP_PORT=8654  (from {tmp_path}/patchwatch.toml; default: 8554)" in lines
    assert f"PATCHWATCH_API_TOKEN=***  (from {tmp_path}/token; default: unset)" in lines
    assert f"PATCHWATCH_PUBLISH_PASSWORD=***  (from {tmp_path}/patchwatch.toml; default: unset)" in lines
    assert "TOKENVALUE" not in shown() + shown("--json")
