"""A profile evaluated on folders of clips."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from labelled_clips import FPS, pictures

from models.engine.engine import Engine
from patchwatch.contract.errors import RejectedError
from patchwatch.evaluation.evaluation import Dataset, ProfileRun, evaluate, evaluate_run, load_dataset
from patchwatch.evaluation.report.profile_result import ProfileResult
from workers.analysis.recordings import RecordingReader, learn, recorded_clips, score


@pytest.fixture(scope="module")
def result(engine: Engine, dataset: Dataset, reader: RecordingReader, profile_run: ProfileRun) -> ProfileResult:
    return evaluate_run(engine, dataset, reader, profile_run, folds=0)


def _gather(clips: Path, reader: RecordingReader, tmp_path: Path, labels: object) -> Dataset:
    path = tmp_path / "labels.json"
    path.write_text(json.dumps(labels))
    return load_dataset(clips / "training", clips / "testing", reader, path)


SUDDEN = 0.95


def test_the_frames_that_depart_from_normal_are_distinguished(result: ProfileResult) -> None:
    for protocol in (result.protocols.service, result.protocols.unsmoothed, result.protocols.paper):
        assert protocol.micro_auroc is not None
        assert protocol.micro_auroc > SUDDEN
        assert protocol.macro_auroc is not None
        assert protocol.aupr is not None
        assert protocol.aupr > 0.9
    assert result.frames == 110
    assert [(clip.name, clip.frames, clip.anomalous) for clip in result.clips] == [("calm", 30, 0), ("rush", 80, 30)]
    assert result.clips[0].service is None
    assert result.protocols.paper.looks_into_the_future
    assert not result.protocols.service.looks_into_the_future


def test_the_rush_is_found_at_every_budget(result: ProfileResult) -> None:
    assert [budget.name for budget in result.budgets] == ["1 per hour", "4 per day", "1 per day", "provisional"]
    for budget in result.budgets:
        assert (budget.labelled, budget.detected, budget.recall) == (1, 1, 1.0)
        alarms = [alarm for clip in result.clips for alarm in clip.alarms if alarm.budget == budget.name]
        assert budget.false_alarms == sum(alarm.false for alarm in alarms) < len(alarms)
        assert budget.normal_hours == pytest.approx(8.0 / 3600, rel=0.01)
        assert budget.delay_median_s is not None
        assert 0.0 <= budget.delay_median_s <= 2.0
        assert budget.held_out is None
    assert [budget.is_setting for budget in result.budgets] == [False, True, False, False]
    (event,) = result.clips[1].events
    assert (event.first_frame, event.last_frame) == (51, 80)
    assert (event.starts_s, event.ends_s) == pytest.approx((5.0, 7.9))
    assert [detection.budget for detection in event.detections] == [budget.name for budget in result.budgets]
    assert "--no-folds" in result.notes[0]


def test_a_timeline_says_what_was_scored_when(result: ProfileResult) -> None:
    line = result.clips[1].timeline
    assert line is not None
    assert line.times_s == pytest.approx(np.arange(40) / 5)
    assert line.truth == (False,) * 25 + (True,) * 15
    columns = (line.service, line.unsmoothed, line.paper, line.rarities["motion"], line.drivers, line.boxes)
    assert {len(column) for column in columns} == {40}
    assert line.rarities["motion"][0] is None
    peak = int(np.argmax(line.unsmoothed))
    assert line.drivers[peak] == "motion"
    x1, y1, x2, y2 = line.boxes[peak] or (0.0,) * 4
    assert 0.2 < (x1 + x2) / 2 < 0.8
    assert 0.2 < (y1 + y2) / 2 < 0.8


def test_the_worst_frames_are_shown(result: ProfileResult) -> None:
    assert {moment.clip for moment in result.worst_misses} == {"rush"}
    assert all(moment.anomalous and moment.frame > 50 for moment in result.worst_misses)
    assert not any(moment.anomalous for moment in result.worst_false_alarms)
    assert all(moment.picture_jpeg for moment in (*result.worst_misses, *result.worst_false_alarms))


def test_alarms_are_explained_by_the_nearest_normal(result: ProfileResult) -> None:
    (alarm,) = [alarm for alarm in result.evidence if not alarm.false]
    assert alarm.clip == "rush"
    (stream,) = alarm.streams
    assert (stream.stream, stream.contribution) == ("motion", 1.0)
    distances = [near.distance for near in stream.nearest]
    assert len(distances) == 3
    assert distances == sorted(distances)
    assert all(near.picture_jpeg for near in stream.nearest)
    assert {near.clip for near in stream.nearest} <= {"a", "b"}


def test_each_part_has_its_cost(result: ProfileResult) -> None:
    cost = result.cost
    assert set(cost.shared_ms) == {"flow", "counted_flows"}
    assert set(cost.streams_ms) == {"motion"}
    parts = (*cost.shared_ms.values(), *cost.streams_ms.values(), cost.scoring_ms)
    assert cost.total_ms == pytest.approx(sum(parts), abs=0.01)
    assert cost.frames_per_second_per_core == pytest.approx(1000 / cost.total_ms, rel=0.02)


def test_scores_are_those_that_learning_and_scoring_apart_give(
    engine: Engine, clips: Path, reader: RecordingReader, dataset: Dataset, profile_run: ProfileRun
) -> None:
    recordings = [clip.path for clip in dataset.training]
    bank = learn(engine, recorded_clips(recordings, reader), count=2)
    np.testing.assert_array_equal(bank.streams[0].vectors, profile_run.bank.streams[0].vectors)
    assert bank.rule == profile_run.bank.rule
    rows = list(score(engine, bank, clips / "testing" / "rush.mp4", reader))
    np.testing.assert_allclose(profile_run.scored[1].service, [row.score.score for row in rows], atol=1e-9)
    np.testing.assert_allclose(profile_run.scored[1].at_s, [row.media_time_s for row in rows])


def test_folders_of_pictures_are_scored_as_videos(
    engine: Engine, clips: Path, reader: RecordingReader, tmp_path: Path, profile_run: ProfileRun
) -> None:
    """The training clips as they are; the testing clip as pictures, which no video codec has touched."""
    folder = tmp_path / "testing" / "rush"
    folder.mkdir(parents=True)
    for n, rgb in enumerate(pictures(seconds=8, rushes_from_s=5.0)):
        cv2.imwrite(str(folder / f"{n + 1}.png"), rgb[..., ::-1])
    (tmp_path / "rush.m").write_text("TestVideoFile{end+1}.gt_frame = [51:80];")
    dataset = load_dataset(clips / "training", tmp_path / "testing", reader, tmp_path / "rush.m")
    assert dataset.has_folders
    np.testing.assert_allclose(dataset.testing[0].times_s[-1], 79 / 25)
    at_rate = load_dataset(clips / "training", tmp_path / "testing", _at_rate(reader), tmp_path / "rush.m")
    result = evaluate(engine, at_rate, _at_rate(reader), false_alarms_per_day=4.0, folds=0)
    assert result.protocols.service.micro_auroc is not None
    assert result.protocols.service.micro_auroc > SUDDEN
    line = result.clips[0].timeline
    assert line is not None
    assert (
        np.abs(np.array(line.service) - profile_run.scored[1].service).mean() < 0.1
    )  # the video's codec left its traces


def _at_rate(reader: RecordingReader) -> RecordingReader:
    from dataclasses import replace

    return replace(reader, frame_rate=float(FPS))


def test_a_labelled_clip_that_is_not_there_is_named(clips: Path, reader: RecordingReader, tmp_path: Path) -> None:
    with pytest.raises(RejectedError, match=r"labels clips that are not in .*testing: gone"):
        _gather(clips, reader, tmp_path, {"testing": {"rush": [[51, 80]], "calm": [], "gone": []}})


def test_a_clip_without_labels_is_named(clips: Path, reader: RecordingReader, tmp_path: Path) -> None:
    with pytest.raises(RejectedError, match=r"nothing of 1 of the 2 testing clips: calm"):
        _gather(clips, reader, tmp_path, {"testing": {"rush": [[51, 80]]}})


def test_labels_beyond_the_end_of_a_clip_are_refused_before_learning(
    clips: Path, reader: RecordingReader, tmp_path: Path
) -> None:
    with pytest.raises(RejectedError, match="up to frame 81 but has 80"):
        _gather(clips, reader, tmp_path, {"testing": {"rush": [[51, 81]], "calm": []}})


def test_a_bicycle_among_walkers(engine: Engine, reader: RecordingReader, data: Path, tmp_path: Path) -> None:
    """A quarter of UCSD Ped2's training clips and one testing clip; all of it is in bench/."""
    (tmp_path / "training").mkdir()
    (tmp_path / "testing").mkdir()
    for name in ("01", "05", "09", "13"):
        (tmp_path / "training" / f"{name}.mkv").symlink_to(data / "ucsd_ped2" / "training" / f"{name}.mkv")
    (tmp_path / "testing" / "07.mkv").symlink_to(data / "ucsd_ped2" / "testing" / "07.mkv")
    ranges = json.loads((data / "ucsd_ped2" / "labels.json").read_text())["testing"]["07"]
    (tmp_path / "labels.json").write_text(json.dumps({"testing": {"07": ranges}}))
    dataset = load_dataset(tmp_path / "training", tmp_path / "testing", reader, tmp_path / "labels.json")
    service = evaluate(engine, dataset, reader, false_alarms_per_day=4.0, folds=0).protocols.service
    assert service.micro_auroc is not None
    assert service.micro_auroc > 0.8
