"""A profile evaluated on folders of clips."""

from __future__ import annotations

import json
from pathlib import Path

import av
import numpy as np
import pytest
from moving_texture import picture
from typer.testing import CliRunner

from models.engine import Engine
from models.profile import load_profile
from patchwatch.cli import app
from patchwatch.commands.evaluate import evaluate as evaluate_command
from patchwatch.errors import RejectedError
from patchwatch.settings import load_settings
from workers.evaluation.evaluation import evaluate, frame_times, held
from workers.evaluation.labels import load_labels
from workers.evaluation.report import Report
from workers.offline import Reader

FPS = 10
SIZE = (192, 128)
PATCH = (0.3, 0.3, 0.7, 0.7)


def _clip(path: Path, *, seconds: float, rushes_from_s: float = 1e9) -> None:
    """A patch drifts slowly; from a time on it rushes upward."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        for n in range(round(seconds * FPS)):
            at_s = n / FPS
            velocity = (0.0, -0.3) if at_s >= rushes_from_s else (0.05, 0.0)
            rgb = picture(at_s % 3, size=SIZE, velocity=velocity, patch=PATCH)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24")))
        container.mux(stream.encode())


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``training``: two normal clips; ``testing``: one that rushes from frame 51 on, and a normal one."""
    folder = tmp_path_factory.mktemp("clips")
    for name in ("a", "b"):
        _clip(folder / "training" / f"{name}.mp4", seconds=16)
    _clip(folder / "testing" / "rush.mp4", seconds=8, rushes_from_s=5.0)
    _clip(folder / "testing" / "calm.mp4", seconds=3)
    (folder / "labels.json").write_text(json.dumps({"testing": {"rush": [[51, 80]], "calm": []}}))
    return folder


def _evaluate(clips: Path, labels: object = None, **folders: Path) -> Report:
    path = clips / "labels.json"
    if labels is not None:
        path = clips / "other.json"
        path.write_text(json.dumps(labels))
    chosen = {"train": clips / "training", "test": clips / "testing"} | folders
    engine, reader = Engine(load_profile("motion")), Reader.of(load_settings())
    return evaluate(engine, reader, labels=load_labels(path), **chosen)


def test_the_frames_that_depart_from_normal_are_told_apart(clips: Path) -> None:
    report = _evaluate(clips)
    assert report.service.micro_auroc is not None
    assert report.service.micro_auroc > 0.95
    assert report.service.macro_auroc is not None
    assert report.unsmoothed.micro_auroc is not None
    assert report.frames == 110
    assert [(clip.name, clip.frames, clip.anomalous) for clip in report.clips] == [("calm", 30, 0), ("rush", 80, 30)]
    assert report.clips[0].service is None


def test_the_command_prints_figures_and_writes_them(clips: Path, tmp_path: Path) -> None:
    out = tmp_path / "new folder" / "report.json"
    arguments = ["--train", clips / "training", "--test", clips / "testing", "--labels", clips / "labels.json"]
    result = CliRunner().invoke(app, ["evaluate", *map(str, arguments), "--json", str(out), "--fps", "5"])
    assert result.exit_code == 0, result.output
    assert "service" in result.output
    found = json.loads(out.read_text())
    for protocol in ("service", "unsmoothed"):
        assert 0.9 < found["protocols"][protocol]["micro_auroc"] <= 1.0
        assert 0.9 < found["protocols"][protocol]["macro_auroc"] <= 1.0
    facts = {name: found[name] for name in ("profile", "fps", "clips", "frames", "random_weights")}
    assert facts == {"profile": "motion", "fps": 5.0, "clips": 2, "frames": 110, "random_weights": False}
    assert found["version"]


def test_frames_between_analysed_ones_hold_the_last_score() -> None:
    times_s = np.arange(7) / 10
    found = held(times_s, np.array([0.0, 0.2, 0.4]), np.array([1.0, 2.0, 3.0]))
    assert found.tolist() == [1, 1, 2, 2, 3, 3, 3]


def test_every_frame_of_a_recording_has_a_time(clips: Path) -> None:
    found = frame_times(clips / "testing" / "calm.mp4", Reader.of(load_settings()))
    np.testing.assert_allclose(found, np.arange(30) / FPS, atol=1e-6)


def test_a_labelled_clip_that_is_not_there_is_named(clips: Path) -> None:
    with pytest.raises(RejectedError, match=r"labels clips that are not in .*testing: gone"):
        _evaluate(clips, {"testing": {"rush": [[51, 80]], "calm": [], "gone": []}})


def test_a_clip_without_labels_is_named(clips: Path) -> None:
    with pytest.raises(RejectedError, match=r"nothing of 1 of the 2 testing clips: calm"):
        _evaluate(clips, {"testing": {"rush": [[51, 80]]}})


def test_labels_beyond_the_end_of_a_clip_are_refused_before_learning(clips: Path) -> None:
    with pytest.raises(RejectedError, match="up to frame 81 but has 80"):
        _evaluate(clips, {"testing": {"rush": [[51, 81]], "calm": []}})


def test_a_missing_and_an_empty_folder_are_named(clips: Path, tmp_path: Path) -> None:
    with pytest.raises(RejectedError, match="is not a folder"):
        _evaluate(clips, train=tmp_path / "nowhere")
    with pytest.raises(RejectedError, match="holds no video file"):
        _evaluate(clips, train=tmp_path)


def test_two_clips_of_one_name_are_refused(clips: Path, tmp_path: Path) -> None:
    for suffix in ("mp4", "avi"):
        (tmp_path / f"same.{suffix}").touch()
    with pytest.raises(RejectedError, match="two files each of the clips same"):
        _evaluate(clips, test=tmp_path)


def test_a_rate_that_is_not_positive_is_refused(clips: Path) -> None:
    with pytest.raises(RejectedError, match="--fps"):
        evaluate_command(clips, clips, clips / "labels.json", "motion", 0.0, None)


def test_a_report_that_cannot_be_written_is_refused_before_the_work(clips: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for out in (tmp_path, tmp_path / "file" / "report.json"):
        with pytest.raises(RejectedError, match="--json"):
            evaluate_command(clips, clips, clips / "labels.json", "motion", None, out)


@pytest.mark.data
def test_a_bicycle_among_walkers(data: Path, tmp_path: Path) -> None:
    """A quarter of UCSD Ped2's training clips and one testing clip; all of it is in bench/."""
    (tmp_path / "training").mkdir()
    (tmp_path / "testing").mkdir()
    for name in ("01", "05", "09", "13"):
        (tmp_path / "training" / f"{name}.mkv").symlink_to(data / "ucsd_ped2" / "training" / f"{name}.mkv")
    (tmp_path / "testing" / "07.mkv").symlink_to(data / "ucsd_ped2" / "testing" / "07.mkv")
    ranges = json.loads((data / "ucsd_ped2" / "labels.json").read_text())["testing"]["07"]
    (tmp_path / "labels.json").write_text(json.dumps({"testing": {"07": ranges}}))
    report = _evaluate(tmp_path)
    assert report.service.micro_auroc is not None
    assert report.service.micro_auroc > 0.8
