"""Upgrade. The roles of an installation of the last release are replaced one by one, as docs/upgrade.md says."""

from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from earlier_version import RELEASE, unpack_earlier_version
from fault import Fault
from installation import Installation
from status_watch import seconds
from waiting import wait_until

HALL = "hall"
IN_THIS_ORDER = ("ingest", "inference", "enrolment", "delivery", "service")
LONGEST_GAP_S = 15.0

pytestmark = pytest.mark.long


def test_the_roles_are_upgraded_one_after_the_other(site: Any, fault: Fault, tmp_path: Path) -> None:
    earlier = unpack_earlier_version(tmp_path / "earlier")
    installation = Installation(tmp_path / "site", site.recording.parent, proxied=False, environment=earlier)
    try:
        installation.start()
        assert installation.http.get("/healthz").json()["version"] == RELEASE
        installation.add_camera(HALL, site.others.url(HALL))
        assert installation.enrol(HALL, site.recording)["state"] == "done"
        installation.wait_until_ok(HALL)
        first = _alert(site, installation)
        committed = {one["seq"]: one["score"] for one in installation.scores(HALL)}
        began_s = time.time()
        for role in IN_THIS_ORDER:
            installation.roles[role].stop()
            installation.add(role, role, environment={"PYTHONPATH": ""})
            _wait_until_scored_again(installation)
        took_s = time.time() - began_s
        second = _alert(site, installation)
        scores = installation.scores(HALL)
        numbers = [one["seq"] for one in scores]
        assert len(numbers) == len(set(numbers))
        assert {one["seq"]: one["score"] for one in scores if one["seq"] in committed} == committed
        assert [one["id"] for one in installation.alerts(kind="anomaly")] == [second, first]
        gap_s = max(seconds(b["t"]) - seconds(a["t"]) for a, b in pairwise(scores) if seconds(a["t"]) > began_s - 5)
        after = wait_until(lambda: _balanced(installation.status(HALL)["frames"]))
        lost = {reason: count for reason, count in after["dropped"].items() if count}
        fault.enter(
            f"all five roles in {took_s:.0f} s, longest time without a scored frame {gap_s:.1f} s; every score and "
            f"alert of before is kept, none twice; of {after['captured']} frames not scored: {lost or 'none'}",
        )
    finally:
        installation.close()


def _wait_until_scored_again(installation: Installation) -> None:
    """A frame that was captured from now on."""
    now_s = time.time()
    installation.wait_until_ok(HALL)
    wait_until(lambda: seconds(installation.status(HALL)["last_score"]["t"]) > now_s)


def _alert(site: Any, installation: Installation) -> str:
    """Something rushes before the camera: the id of the one alert that this is, closed."""
    known = {one["id"] for one in installation.alerts(kind="anomaly")}
    site.others.tell(HALL, "show", "rush")
    wait_until(lambda: {one["id"] for one in installation.alerts(kind="anomaly")} - known)
    site.others.tell(HALL, "show", "normal")
    wait_until(lambda: all(one["state"] == "closed" for one in installation.alerts(kind="anomaly")))
    [new] = {one["id"] for one in installation.alerts(kind="anomaly")} - known
    return str(new)


def _balanced(frames: Any) -> Any:
    known = frames["scored"] + sum(frames["dropped"].values()) + frames["in_queue"]
    return frames if frames["captured"] == known else None
