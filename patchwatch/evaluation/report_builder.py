"""A report from the results of the profiles that were run."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import patchwatch
from patchwatch.evaluation.evaluation import Dataset
from patchwatch.evaluation.provenance import commit, cpu_model
from patchwatch.evaluation.report.profile_result import ProfileResult
from patchwatch.evaluation.report.report import Report, RunSettings
from patchwatch.evaluation.statistics.bootstrap import RESAMPLES
from workers.analysis.recordings import RecordingReader


def build_report(
    results: Sequence[ProfileResult],
    dataset: Dataset,
    reader: RecordingReader,
    *,
    train: Path,
    test: Path,
    false_alarms_per_day: float,
    folds: int,
) -> Report:
    """The results of one run, with its settings and the machine."""
    if dataset.labels is None:
        raise ValueError("a report needs labels")
    return Report(
        version=patchwatch.__version__,
        commit=commit(),
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        cpu=cpu_model(),
        cores=os.cpu_count() or 1,
        settings=RunSettings(
            train=str(train),
            test=str(test),
            labels=str(dataset.labels.path),
            label_format=dataset.labels.format,
            analysis_fps=reader.video.analysis_fps,
            max_side_px=reader.video.max_side_px,
            jpeg_quality=reader.jpeg_quality,
            frame_rate=reader.frame_rate if dataset.has_folders else None,
            false_alarms_per_day=false_alarms_per_day,
            folds=folds,
            bootstrap_resamples=RESAMPLES,
        ),
        profiles=tuple(results),
    )
