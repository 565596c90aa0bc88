"""Engines load in the background; a failed load is known until a later one succeeds."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from models.engine.engine import Engine
from models.profiles.profile import load_profile
from patchwatch.contract.errors import WeightsMissingError
from patchwatch.contract.settings import Settings
from workers.inference import engine_cache as engines_module
from workers.inference.engine_cache import EngineCache


def test_a_failure_is_reported_until_a_later_attempt_succeeds(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, until: Callable[..., Any]
) -> None:
    ready = Engine(load_profile("motion"))
    answers: list[Exception | Engine] = [WeightsMissingError("no weights"), WeightsMissingError("still none"), ready]

    def load(settings: Settings, profile: str) -> Engine:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(engines_module, "load_engine", load)
    monkeypatch.setattr(engines_module, "_RETRY_AFTER_S", 0.0)
    engines = EngineCache(Settings(data_dir=tmp_path))
    answered: list[Engine | str | None] = []

    def succeeds() -> bool:
        try:
            answered.append(engines.get("clip"))
        except WeightsMissingError as error:
            answered.append(str(error))
        return answered[-1] is ready

    until(succeeds)
    engines.stop()
    assert {answer for answer in answered if isinstance(answer, str)} == {"no weights", "still none"}
    assert None not in answered[answered.index("no weights") :], "never back to loading in between"


def test_engines_are_loaded_ahead_of_need_and_what_cannot_be_is_reported_later(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, until: Callable[..., Any]
) -> None:
    loaded: list[str] = []

    def load(settings: Settings, profile: str) -> Engine:
        loaded.append(profile)
        if profile == "clip":
            raise WeightsMissingError("no weights")
        return Engine(load_profile(profile))

    monkeypatch.setattr(engines_module, "load_engine", load)
    engines = EngineCache(Settings(data_dir=tmp_path))

    def both_are_loaded() -> bool:
        engines.prepare(["clip", "motion", "motion"])
        return len(loaded) == 2

    until(both_are_loaded)
    until(lambda: engines.get("motion"))
    with pytest.raises(WeightsMissingError):
        engines.get("clip")
    engines.stop()
    assert loaded == ["clip", "motion"]


class Slow(Engine):
    """Its networks take until ``done`` to be made ready."""

    def __init__(self, done: threading.Event) -> None:
        super().__init__(load_profile("motion"))
        self._done = done
        self.prepared: list[tuple[int, str]] = []

    def prepare(self, most_frames: int) -> None:
        self.prepared.append((most_frames, threading.current_thread().name))
        assert self._done.wait(20)


def test_an_engine_is_given_out_only_when_its_first_batches_would_wait_for_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, until: Callable[..., Any]
) -> None:
    done = threading.Event()
    slow = Slow(done)
    monkeypatch.setattr(engines_module, "load_engine", lambda settings, profile: slow)
    engines = EngineCache(Settings(data_dir=tmp_path, batch_frames=24))
    until(lambda: engines.get("clip") or slow.prepared)
    assert engines.get("clip") is None
    assert not engines.ready(["clip"])
    done.set()
    until(lambda: engines.ready(["clip"]))
    assert engines.get("clip") is slow
    engines.stop()
    [(most_frames, thread)] = slow.prepared
    assert most_frames == 24
    assert thread.startswith("engine-loader"), "not the thread that scores"


def test_what_runs_without_its_graph_is_counted_over_all_engines(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, until: Callable[..., Any]
) -> None:
    class Eager(Engine):
        failed_graphs, eager_pictures = 2, 30

    monkeypatch.setattr(engines_module, "load_engine", lambda settings, profile: Eager(load_profile("motion")))
    engines = EngineCache(Settings(data_dir=tmp_path))
    until(lambda: engines.ready(["clip", "objects"]))
    engines.stop()
    assert (engines.failed_graphs, engines.eager_pictures) == (4, 60)
