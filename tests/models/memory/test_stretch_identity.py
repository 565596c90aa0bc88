"""Features are mixed only where the same networks and options made them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from models.frames.view import View
from models.memory.stretches.stretch_identity import stretch_identity
from models.profiles.profile import load_profile

PROFILE = load_profile("scene")
ENGINE: dict[str, Any] = {
    "networks": {"patches": "a", "detector_sha256": "1", "detector_tensors_sha256": "2"},
    "preprocessing": {"place": {"dim": 48}},
}


def fingerprint(**engine: object) -> str:
    return stretch_identity(PROFILE, ENGINE | engine).fingerprint


def test_other_networks_preprocessing_or_options_are_told_apart() -> None:
    changed = replace(PROFILE, streams=(replace(PROFILE.streams[0], options={"exemplars": 9}), *PROFILE.streams[1:]))
    prints = {
        fingerprint(),
        fingerprint(networks={"patches": "b"}),
        fingerprint(preprocessing={"place": {"dim": 49}}),
        stretch_identity(changed, ENGINE).fingerprint,
    }
    assert len(prints) == 4


def test_the_same_tensors_from_another_file_are_the_same() -> None:
    assert fingerprint() == fingerprint(networks={**ENGINE["networks"], "detector_sha256": "other"})


def test_how_streams_are_weighed_does_not_matter() -> None:
    reweighed = replace(PROFILE, streams=tuple(replace(spec, weight=0.1, stride=3) for spec in PROFILE.streams))
    assert stretch_identity(reweighed, ENGINE).fingerprint == fingerprint()


def test_the_whole_identity_is_kept_for_the_bank() -> None:
    assert stretch_identity(PROFILE, ENGINE).engine == ENGINE


def test_what_was_seen_with_other_zones_is_not_mixed() -> None:
    zone = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0))
    views = (View(), View(ignored=(zone,)), View(watched=(zone,)), View(hidden=(zone,)))
    assert len({stretch_identity(PROFILE, ENGINE, view).fingerprint for view in views}) == len(views)
