"""Replay: a recording scored through worker losses as if nothing had happened."""

from __future__ import annotations

import random
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from fault import Fault
from footage import write_recording
from status_watch import seconds
from waiting import wait_until

RUSHES = ((8.0, 11.0), (30.0, 32.8), (52.0, 55.0))
LOOPS = 8  # of eight seconds
FRAMES = LOOPS * 8 * 5
CLOCK_NOISE = 1e-3  # the two begin at other times, and a Unix time holds a quarter of a microsecond


@pytest.fixture(scope="session")
def eventful(media: Path) -> Path:
    return write_recording(media / "eventful.mp4", loops=LOOPS, rushes=RUSHES)


@pytest.mark.long
@pytest.mark.parametrize("kills", [2, 5])
def test_a_recording_is_scored_and_alerted_alike_though_the_worker_is_killed(
    site: Any, fault: Fault, eventful: Path, kills: int
) -> None:
    seed = random.SystemRandom().randrange(10**6)
    moments = sorted(random.Random(seed).sample(range(10, FRAMES - 10), kills))
    print(f"seed {seed}: killed once frames {moments} were scored")
    inference = site.installation.roles["inference"]
    calm = _replay(site, f"calm{kills}", eventful, [])
    assert len(calm["scores"]) == FRAMES
    assert len(calm["alerts"]) == len(RUSHES)
    rough = _replay(site, f"rough{kills}", eventful, moments, strike=inference.replace)
    assert rough["numbers"] == pytest.approx(calm["numbers"], abs=CLOCK_NOISE, nan_ok=True)
    assert rough["scores"] == calm["scores"]
    assert rough["alerts"] == calm["alerts"]
    fault.enter(f"{FRAMES} equal scores and {len(RUSHES)} equal alerts, each once, through {kills} kills")


def _replay(site: Any, name: str, recording: Path, moments: list[int], strike: Any = None) -> dict[str, Any]:
    """Scores and alerts of a recording read without loss; times count from its first frame."""
    installation, banks = site.installation, site.installation.settings.banks_dir
    shutil.copytree(banks / "gate", banks / name, dirs_exist_ok=True)
    installation.add_camera(name, f"file:{recording}", pace="fast")
    try:
        for moment in moments:
            wait_until(partial(_has_scored, site, name, moment), every_s=0.005)
            strike()
        wait_until(lambda: _scored(site, name) == FRAMES)
        wait_until(lambda: not installation.alerts(camera=name, state="open"))
        _see_that_no_score_is_a_limit(installation, name)
        return _relative(installation.scores(name), installation.alerts(camera=name), name)
    finally:
        installation.delete(f"/cameras/{name}")
        shutil.rmtree(banks / name)


def _has_scored(site: Any, name: str, count: int) -> bool:
    return _scored(site, name) >= count


def _scored(site: Any, name: str) -> int:
    return int(site.installation.redis.client.hget(site.installation.keys(name).counters, "scored") or 0)


def _see_that_no_score_is_a_limit(installation: Any, name: str) -> None:
    """Or the noise of clocks decides when an alert opens or ends: move `RUSHES` then."""
    analysis = installation.status(name)["analysis"]
    limits = [analysis["threshold_on"], analysis["threshold_off"]]
    assert all(abs(one["score"] - limit) > CLOCK_NOISE for one in installation.scores(name) for limit in limits)


def _relative(scores: list[Any], alerts: list[Any], name: str) -> dict[str, Any]:
    """All fields, times counted from the first frame; what is measured, as one list of numbers."""
    start_s = seconds(scores[0]["t"])
    numbers = []
    for one in scores:
        one["t"] = round(seconds(one["t"]) - start_s, 2)
        numbers += [one.pop("score"), one.pop("raw")]
        numbers += [float("nan") if (rarity := stream.pop("rarity")) is None else rarity for stream in one["streams"]]
    for one in alerts:
        for field in ("started", "opened", "peak", "ended"):
            one[field] = round(seconds(one[field]) - start_s, 2)
        numbers.append(one.pop("peak_score"))
        for field in ("id", "camera_id", "snapshot", "explanation", "evidence"):
            assert name in one.pop(field)
    return {"scores": scores, "alerts": alerts, "numbers": numbers}
