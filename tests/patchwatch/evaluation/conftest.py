"""Small clips, and the motion profile run on them once for all tests."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from labelled_clips import write_folders

from models.engine.engine import Engine
from models.profiles.profile import load_profile
from patchwatch.contract.settings import Settings
from patchwatch.evaluation.evaluation import Dataset, ProfileRun, load_dataset, run
from workers.analysis.recordings import RecordingReader


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``training``, ``testing`` and ``labels.json`` of `labelled_clips`."""
    return write_folders(tmp_path_factory.mktemp("clips"))


@pytest.fixture(scope="session")
def engine() -> Engine:
    """The motion profile with one seed and few exemplars: quick to learn."""
    profile = load_profile("motion")
    few = tuple(replace(spec, options={**spec.options, "exemplars": 20}) for spec in profile.streams)
    return Engine(replace(profile, seeds=profile.seeds[:1], streams=few))


@pytest.fixture(scope="session")
def reader() -> RecordingReader:
    return RecordingReader.from_settings(Settings())


@pytest.fixture(scope="session")
def dataset(clips: Path, reader: RecordingReader) -> Dataset:
    return load_dataset(clips / "training", clips / "testing", reader, clips / "labels.json")


@pytest.fixture(scope="session")
def profile_run(engine: Engine, dataset: Dataset, reader: RecordingReader) -> ProfileRun:
    """The bank learnt from the training clips and the testing clips scored with it."""
    return run(engine, dataset, reader, 4.0)
