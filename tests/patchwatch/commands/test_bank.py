"""``patchwatch bank`` shows what a bank knows, or names the command that makes one."""

from __future__ import annotations

import json
from pathlib import Path

import av
import pytest
from moving_scene import FPS, HEIGHT, WIDTH, scene
from typer.testing import CliRunner

from patchwatch.cli import app
from patchwatch.errors import NotFoundError


def film(path: Path, seconds: int) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for n in range(seconds * FPS):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(scene(n / FPS))))
        container.mux(stream.encode())


def run(*words: str) -> str:
    result = CliRunner().invoke(app, words, catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def test_what_enrolling_said_can_be_asked_for_again(tmp_path: Path) -> None:
    film(tmp_path / "short.mp4", 9)
    told = run("enroll", str(tmp_path / "short.mp4"), "--camera", "door")
    assert told == run("bank", "door")
    assert "door: learnt 9 s of normal (45 frames)" in told
    assert "too short: 9 s of footage are too little" in told
    facts = json.loads(run("bank", "door", "--json"))
    assert (facts["camera"], facts["profile"], facts["report"]["verdict"]) == ("door", "motion", "too_short")
    assert len(facts["report"]["streams"][0]["regions"]) == 4


def test_a_camera_without_a_bank_is_told_how_to_get_one() -> None:
    with pytest.raises(NotFoundError, match="patchwatch enroll --camera"):
        run("bank", "nowhere")
