"""``patchwatch cameras import``: each camera is taken for itself, and what became of it is said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from patchwatch.cli.commands.cameras import group as cameras
from patchwatch.contract.errors import RejectedError
from patchwatch.rest_client import RestClient

CONFIG = {
    "cameras": {
        "Yard": {"ffmpeg": {"inputs": [{"path": "rtsp://me:secret@cam/1", "roles": ["detect"]}]}},
        "door": {"ffmpeg": {"inputs": [{"path": "rtsp://cam/2", "roles": ["detect"]}]}},
        "gate": {"ffmpeg": {"inputs": [{"path": "rtsp://169.254.1.1/2", "roles": ["detect"]}]}},
        "loop": {"ffmpeg": {"inputs": [{"path": "/media/loop.mp4"}]}},
    }
}


@pytest.fixture
def added(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """A service that has a door, and refuses the gate."""
    bodies: list[dict[str, Any]] = []

    def answer(client: object, method: str, path: str, body: Any = None) -> Any:
        if method == "GET":
            return {"cameras": [{"id": "door"}]}
        if body["id"] == "gate":
            raise RejectedError("no camera may be there")
        bodies.append(body)
        return body

    monkeypatch.setattr(RestClient, "request", answer)
    return bodies


@pytest.fixture
def config(tmp_path: Path) -> str:
    (tmp_path / "config.yml").write_text(json.dumps(CONFIG))
    return str(tmp_path / "config.yml")


def imported(*arguments: str) -> str:
    return CliRunner().invoke(cameras.app, ["import", *arguments], catch_exceptions=False).output


def test_each_camera_is_taken_for_itself(added: list[dict[str, Any]], config: str) -> None:
    rows = {row["id"]: row for row in json.loads(imported("--frigate", config, "--profile", "objects", "--json"))}
    assert {id: row["outcome"] for id, row in rows.items()} == {
        "yard": "added", "door": "kept", "gate": "refused", "loop": "not taken",
    }  # fmt: skip
    assert added == [{"id": "yard", "name": "Yard", "source": "rtsp://me:secret@cam/1", "profile": "objects"}]
    assert "secret" not in json.dumps(rows)
    assert rows["gate"]["detail"] == "no camera may be there"


def test_a_dry_run_adds_nothing(added: list[dict[str, Any]], config: str) -> None:
    shown = imported("--frigate", config, "--dry-run", "--only", "Yard")
    assert "would be added" in shown
    assert "secret" not in shown
    assert "door" not in shown
    assert added == []


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ([], "give --frigate"),
        (["--frigate", "CONFIG", "--go2rtc", "http://nvr:1984"], "give --frigate"),
        (["--go2rtc", "CONFIG"], "takes an address"),
        (["--frigate", "CONFIG", "--only", "cellar"], "there are Yard, door"),
        (["--frigate", "CONFIG", "--only", "loop"], "no camera was taken"),
    ],
)
def test_what_cannot_be_done_is_refused(
    added: list[dict[str, Any]], config: str, arguments: list[str], word: str
) -> None:
    with pytest.raises(RejectedError, match=word):
        imported(*[config if argument == "CONFIG" else argument for argument in arguments])
    assert added == []
