"""Engines load in the background; a failed load is known until a later one succeeds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from models.engine import Engine
from models.profile import load_profile
from patchwatch.errors import WeightsMissingError
from patchwatch.settings import Settings
from workers.inference import engines as engines_module
from workers.inference.engines import Engines


def test_a_failure_is_told_until_a_later_attempt_succeeds(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, until: Callable[..., Any]
) -> None:
    ready = Engine(load_profile("motion"))
    answers: list[Any] = [WeightsMissingError("no weights"), WeightsMissingError("still none"), ready]

    def load(settings: Settings, profile: str) -> Engine:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(engines_module, "load_engine", load)
    monkeypatch.setattr(engines_module, "_RETRY_AFTER_S", 0.0)
    engines, said = Engines(Settings(data_dir=tmp_path)), []

    def look() -> bool:
        try:
            said.append(engines.get("clip"))
        except WeightsMissingError as error:
            said.append(str(error))
        return said[-1] is ready

    until(look)
    engines.stop()
    told = [words for words in said if isinstance(words, str)]
    assert set(told) == {"no weights", "still none"}
    assert None not in said[said.index("no weights") :], "never back to loading in between"


def test_engines_are_loaded_ahead_of_need_and_what_cannot_be_is_told_later(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, until: Callable[..., Any]
) -> None:
    loaded: list[str] = []

    def load(settings: Settings, profile: str) -> Engine:
        loaded.append(profile)
        if profile == "clip":
            raise WeightsMissingError("no weights")
        return Engine(load_profile(profile))

    monkeypatch.setattr(engines_module, "load_engine", load)
    engines = Engines(Settings(data_dir=tmp_path))
    until(lambda: engines.prepare(["clip", "motion", "motion"]) or len(loaded) == 2)
    until(lambda: engines.get("motion"))
    with pytest.raises(WeightsMissingError):
        engines.get("clip")
    engines.stop()
    assert loaded == ["clip", "motion"]
