"""A report from the results of the profiles that were run."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import patchwatch
from patchwatch.evaluation.bootstrap import RESAMPLES
from patchwatch.evaluation.evaluation import Material
from patchwatch.evaluation.report import ProfileResult, Report, RunSettings, commit
from workers.analysis.recordings import RecordingReader


def report_of(
    results: Sequence[ProfileResult],
    material: Material,
    reader: RecordingReader,
    *,
    train: Path,
    test: Path,
    false_alarms_per_day: float,
    folds: int,
) -> Report:
    """The results of one run with what it was made with."""
    if material.labels is None:
        raise ValueError("a report needs labels")
    return Report(
        version=patchwatch.__version__,
        commit=commit(),
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        cpu=cpu_name(),
        cores=os.cpu_count() or 1,
        settings=RunSettings(
            train=str(train),
            test=str(test),
            labels=str(material.labels.path),
            label_format=material.labels.format,
            analysis_fps=reader.video.analysis_fps,
            max_side_px=reader.video.max_side_px,
            jpeg_quality=reader.jpeg_quality,
            frame_rate=reader.frame_rate if material.has_folders else None,
            false_alarms_per_day=false_alarms_per_day,
            folds=folds,
            bootstrap_resamples=RESAMPLES,
        ),
        profiles=tuple(results),
    )


def cpu_name() -> str:
    """Model of this machine's processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
