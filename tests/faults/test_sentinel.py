"""Sentinel. A replicated Redis whose primary is killed: the replica takes its place."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from alert_feed import AlertFeed
from fault import Fault
from installation import Installation
from replicated_redis import ReplicatedRedis, replicated_redis
from waiting import wait_until

HALL = "hall"


@contextmanager
def _installed(site: Any, servers: ReplicatedRedis, folder: Path) -> Iterator[Installation]:
    """A second installation that sees one of the cameras, with the bank that the first one learnt."""
    installation = Installation(folder, site.recording.parent, proxied=False, redis_url=servers.url)
    shutil.copytree(site.installation.settings.banks_dir / HALL, installation.settings.banks_dir / HALL)
    try:
        installation.start()
        installation.add_camera(HALL, site.others.url(HALL))
        installation.wait_until_ok(HALL)
        yield installation
    finally:
        installation.close()


def _alert(site: Any, feed: AlertFeed) -> str:
    """Something rushes before the camera: the one alert that this is, heard of as closed too."""
    heard = len(feed.opened(HALL))
    site.others.tell(HALL, "show", "rush")
    wait_until(lambda: len(feed.opened(HALL)) > heard)
    site.others.tell(HALL, "show", "normal")
    [alert_id] = feed.opened(HALL)[heard:]
    wait_until(lambda: (alert_id, "closed") in _told(feed))
    return alert_id


def _told(feed: AlertFeed) -> list[tuple[str, str]]:
    return [(one["alert"]["id"], one["alert"]["state"]) for one in feed.messages]


@pytest.mark.long
def test_the_primary_of_a_replicated_redis_is_killed(site: Any, fault: Fault, tmp_path: Path) -> None:
    with (
        replicated_redis(tmp_path) as servers,
        _installed(site, servers, tmp_path / "site") as installation,
        AlertFeed(installation.base) as feed,
    ):
        first = _alert(site, feed)
        before = installation.status(HALL)["frames"]
        processes = {name: role.pid for name, role in installation.roles.items()}
        killed_s = time.time()
        servers.kill(servers.primary)
        wait_until(lambda: installation.status(HALL)["frames"]["scored"] > before["scored"] + 5)
        recovered_s = time.time() - killed_s
        second = _alert(site, feed)
        told = _told(feed)
        assert {name: role.pid for name, role in installation.roles.items() if role.running} == processes
        assert [one["id"] for one in installation.alerts(kind="anomaly")] == [second, first]
        assert [told.count((alert, "closed")) for alert in (first, second)] == [1, 1]
        after = wait_until(lambda: _balanced(installation.status(HALL)["frames"]))
        assert after["captured"] > before["captured"]
        lost = {reason: count for reason, count in after["dropped"].items() if count}
        fault.enter(
            f"all roles go on; no alert twice, none gone; of {after['captured']} frames not scored: {lost or 'none'}",
            recovered_s,
        )


def _balanced(frames: Any) -> Any:
    known = frames["scored"] + sum(frames["dropped"].values()) + frames["in_queue"]
    return frames if frames["captured"] == known else None
