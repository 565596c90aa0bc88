"""Who scores a recording is told what a live camera would have an alert of its own for."""

from __future__ import annotations

from pathlib import Path

import av
import pytest
from moving_scene import FPS, HEIGHT, WIDTH, scene
from typer.testing import CliRunner

from models.banks.bank_file import save_bank
from models.engine.engine import Engine, NetworkOptions
from models.profiles.profile import load_profile
from patchwatch.cli.app import app
from workers.analysis.recordings import RecordingReader, learn, recorded_clips
from workers.media.container import VideoOptions

SECONDS = 60


@pytest.fixture
def film(tmp_path: Path) -> Path:
    with av.open(str(tmp_path / "film.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"preset": "ultrafast", "g": str(FPS)})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number in range(SECONDS * FPS):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(scene(number / FPS), format="rgb24")))
        container.mux(stream.encode(None))
    return tmp_path / "film.mp4"


def test_scores_of_pictures_too_seldom_for_movement_come_with_a_warning(
    film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine.load(load_profile("motion"), NetworkOptions(Path("unused"), device="cpu", threads=1))
    bank = learn(engine, recorded_clips([film], RecordingReader(VideoOptions(), 85, 8)), count=1)
    data = tmp_path / "data"
    (data / "banks" / "door").mkdir(parents=True)
    save_bank(bank, data / "banks" / "door" / "motion.safetensors")
    monkeypatch.setenv("PATCHWATCH_DATA_DIR", str(data))
    words = ["banks", "score", str(film), "--camera", "door", "--profile", "motion"]
    seldom = CliRunner().invoke(app, [*words, "--fps", "0.5"])
    assert "blind: nothing can be seen to move: pictures come 2.0 s apart" in seldom.stderr, seldom.output
    assert "WARNING" not in CliRunner().invoke(app, words).stderr
