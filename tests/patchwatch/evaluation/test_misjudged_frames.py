"""The frames that were judged worst."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

import numpy as np
from labelled_clips import SIZE
from sample_report import profile_result

from patchwatch.evaluation.clips import ClipFile, ClipFrames
from patchwatch.evaluation.evaluation import Dataset
from patchwatch.evaluation.misjudged_frames import COUNT, add_pictures, worst_frames
from patchwatch.evaluation.report.clip_result import ClipResult, MisjudgedFrame, Timeline
from workers.analysis.recordings import RecordingReader
from workers.media import jpeg_codec


def _clip(name: str, scores: list[float], truth: list[bool]) -> tuple[ClipResult, ClipFrames]:
    count = len(scores)
    times_s = tuple(n / 5 for n in range(count))
    drivers = (None, *["motion"] * (count - 1))
    line = Timeline(
        times_s, tuple(truth), tuple(scores), tuple(scores), tuple(scores), {"motion": (1.0,) * count}, drivers,
        ((0.1, 0.1, 0.2, 0.2),) * count,
    )  # fmt: skip
    clip = replace(profile_result().clips[0], name=name, timeline=line)
    return clip, ClipFrames(ClipFile(name, Path(name)), np.arange(2 * count) / 10)


def test_misses_are_the_lowest_anomalous_and_false_alarms_the_highest_normal_frames() -> None:
    clip, frames = _clip("a", [0.0, 0.3, 0.9, 0.8, 0.2, 0.7], [True, False, False, True, True, False])
    (miss,) = worst_frames([clip], [frames], anomalous=True)
    assert (miss.score, miss.at_s, miss.frame) == (0.2, 0.8, 9)  # not the first: no stream spoke of it
    (alarm,) = worst_frames([clip], [frames], anomalous=False)
    assert (alarm.score, alarm.at_s) == (0.9, 0.4)


def test_they_are_few_and_apart() -> None:
    generator = np.random.default_rng(0)
    made = [_clip(f"{n}", generator.random(100).tolist(), [False] * 100) for n in range(5)]
    result = worst_frames([clip for clip, _ in made], [frames for _, frames in made], anomalous=False)
    assert len(result) == COUNT
    assert [moment.score for moment in result] == sorted((moment.score for moment in result), reverse=True)
    for name in {moment.clip for moment in result}:
        times_s = sorted(moment.at_s for moment in result if moment.clip == name)
        assert len(times_s) <= 2
        assert np.diff(times_s).min(initial=9.0) >= 2.0


def test_pictures_are_those_of_the_moments(dataset: Dataset, reader: RecordingReader) -> None:
    moments = [MisjudgedFrame("rush", at_s, 1, True, 0.5, None, None, "") for at_s in (6.0, 0.2)]
    clips = [frames.clip for frames in dataset.testing]
    result = add_pictures(moments, clips, reader)
    with reader.open(clips[1].path) as video:
        frames = {round(frame.media_time_s, 3): frame.rgb for frame in video.frames()}
    for moment in result:
        rgb = jpeg_codec.decode(base64.b64decode(moment.picture_jpeg))
        assert rgb.shape == (SIZE[1], SIZE[0], 3)
        assert np.abs(rgb.astype(int) - frames[moment.at_s]).mean() < 8
