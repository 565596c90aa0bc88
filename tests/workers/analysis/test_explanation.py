"""A moment of a recording is explained as live, and shown in one file."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from labelled_clips import SIZE, write_video
from typer.testing import CliRunner

from models.banks.bank import Bank
from models.banks.bank_file import save_bank
from models.engine.engine import Engine
from models.profiles.profile import load_profile
from patchwatch.cli.commands.banks.explain import table
from patchwatch.contract.errors import RejectedError
from patchwatch.contract.settings import Settings, load_settings
from patchwatch.messages.alerts.explanation import Explanation
from workers.analysis.recordings import ExplainedFrame, RecordingReader, explain, learn, recorded_clips, score

RUSH_S = 6.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recordings")
    write_video(folder / "normal.mp4", seconds=26)
    write_video(folder / "rush.mp4", seconds=9, rushes_from_s=RUSH_S)
    return folder


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine(load_profile("motion"))


@pytest.fixture(scope="module")
def bank(engine: Engine, folder: Path) -> Bank:
    return learn(engine, recorded_clips([folder / "normal.mp4"], RecordingReader.from_settings(Settings())), count=1)


@pytest.fixture(scope="module")
def explained(engine: Engine, bank: Bank, folder: Path) -> ExplainedFrame:
    reader = RecordingReader.from_settings(Settings())
    return explain(engine, bank, folder / "rush.mp4", reader, camera_id="door", at_s=RUSH_S + 1.5)


def test_the_explained_frame_scores_as_the_whole_recording_does(
    engine: Engine, bank: Bank, folder: Path, explained: ExplainedFrame
) -> None:
    whole = list(score(engine, bank, folder / "rush.mp4", RecordingReader.from_settings(Settings())))
    [same] = [row for row in whole if row.media_time_s == explained.result.media_time_s]
    assert explained.result == same
    assert explained.explanation.at_ms == pytest.approx(1000 * (RUSH_S + 1.5), abs=200)
    assert (explained.explanation.score, explained.explanation.raw) == (same.score.score, same.score.raw)


def test_the_rush_is_explained_by_its_region_and_moments_of_the_normal_recording(explained: ExplainedFrame) -> None:
    [motion] = explained.explanation.streams
    assert (motion.contribution, motion.distance) == (1.0, explained.result.score.distances[0].value)  # type: ignore[union-attr]
    assert motion.region is not None
    assert motion.region.x2 > 0.3 * SIZE[0]
    assert motion.region.x1 < 0.7 * SIZE[0]
    assert {one.source for one in motion.nearest} == {"normal.mp4"}
    assert len({one.time_s for one in motion.nearest}) == 3
    assert all(0 <= one.time_s <= 26 for one in motion.nearest)
    assert motion.distance is not None
    assert motion.nearest[0].distance <= motion.distance + 1e-6


def test_a_thumbnail_shows_the_moment_it_names(explained: ExplainedFrame, folder: Path) -> None:
    nearest = explained.explanation.streams[0].nearest[0]
    thumbnail = cv2.imdecode(np.frombuffer(b64decode(nearest.thumbnail or ""), np.uint8), cv2.IMREAD_COLOR)
    assert thumbnail is not None
    height, width = thumbnail.shape[:2]
    errors = {}
    with RecordingReader.from_settings(Settings()).open(folder / "normal.mp4") as video:
        for frame in video.frames():
            small = cv2.resize(frame.rgb[..., ::-1], (width, height), interpolation=cv2.INTER_AREA)
            errors[round(frame.media_time_s, 3)] = float(np.abs(small.astype(float) - thumbnail).mean())
    assert errors[nearest.time_s] == pytest.approx(min(errors.values()), abs=0.5)


@pytest.mark.parametrize("at_s", [9.5, 1000.0])
def test_a_moment_after_the_end_is_refused(engine: Engine, bank: Bank, folder: Path, at_s: float) -> None:
    with pytest.raises(RejectedError, match=r"there is no frame at .* the last is at 8\.\d s"):
        explain(
            engine, bank, folder / "rush.mp4", RecordingReader.from_settings(Settings()), camera_id="door", at_s=at_s
        )


def test_the_table_names_shares_and_moments(explained: ExplainedFrame) -> None:
    lines = table(explained.explanation, 0.5).splitlines()
    assert "alerts above 0.500" in lines[0]
    assert re.match(r"\s+motion\s+100% of the score: as unusual as (one in|fewer than one in)", lines[1])
    assert len(lines) == 5
    assert all("normal.mp4 at" in line for line in lines[2:])


Invoke = Callable[..., str]  # the command with these arguments; returns what it printed


@pytest.fixture
def invoke(bank: Bank, folder: Path) -> Invoke:
    import typer

    from patchwatch.cli.commands.banks.explain import explain as command

    save_bank(bank, load_settings().bank_path("door", "motion"))
    app = typer.Typer(add_completion=False)
    app.command()(command)

    def call(*arguments: str) -> str:
        given = [str(folder / "rush.mp4"), "--camera", "door", "--at", "7.4", *arguments]
        return CliRunner().invoke(app, given, catch_exceptions=False).output

    return call


def test_the_command_writes_what_its_file_name_says(invoke: Invoke, tmp_path: Path, explained: ExplainedFrame) -> None:
    assert "nearest normal" in invoke()
    printed = Explanation.decode(invoke("--json"))
    assert printed.streams[0].region is not None
    assert invoke("--out", str(tmp_path / "why.json")).strip() == str(tmp_path / "why.json")
    assert Explanation.decode((tmp_path / "why.json").read_text()) == printed
    invoke("--out", str(tmp_path / "why.html"))
    assert (tmp_path / "why.html").read_text().startswith("<!doctype html>")
    with pytest.raises(RejectedError, match=r"neither \.html nor \.json"):
        invoke("--out", str(tmp_path / "why.txt"))
    with pytest.raises(RejectedError, match=r"--out .*No such file or directory"):
        invoke("--out", str(tmp_path / "absent" / "why.html"))
