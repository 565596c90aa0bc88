"""A camera that is published with nothing configured arms itself and alerts, whatever is killed on the way."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from installation import Installation
from waiting import wait_until


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Installation]:
    installation = Installation(
        tmp_path / "site", tmp_path, self_arm=True, adopt_publishers="loopback", self_arm_after_s=25.0,
        analysis_fps=10.0, overload_fps=10.0, max_age_s=5.0,
    )  # fmt: skip
    try:
        installation.start()
        yield installation
    finally:
        installation.close()


@pytest.fixture
def publish(site: Installation, tmp_path: Path) -> Iterator[Callable[[str], subprocess.Popen[bytes]]]:
    """Publishes the rendered square under a name that nobody has configured. Nothing happens there before SIGUSR1."""
    started: list[subprocess.Popen[bytes]] = []

    def start(name: str) -> subprocess.Popen[bytes]:
        url = f"rtsp://127.0.0.1:{site.settings.rtsp_port}/{name}"
        program = [sys.executable, "-P", "-m", "patchwatch.demo.publisher", url, "--stop-with-parent"]
        timing = ["--first-anomaly", "0", "--every", "15", "--await-signal", "--fps", "10"]  # the rate of analysis
        with (tmp_path / "publisher.log").open("ab") as log:
            started.append(subprocess.Popen([*program, *timing], stdin=subprocess.PIPE, stdout=log, stderr=log))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate(timeout=10)


def arming(site: Installation, camera_id: str) -> Any:
    known = {status["camera_id"]: status["arming"] for status in site.get("/status")["statuses"]}
    return known.get(camera_id, {"state": None, "remembered_s": 0.0})


@pytest.mark.timeout(600)
def test_published_with_nothing_configured_it_arms_itself_and_alerts_whatever_is_killed(
    site: Installation, publish: Callable[[str], subprocess.Popen[bytes]]
) -> None:
    publisher = publish("square")
    wait_until(lambda: arming(site, "square")["remembered_s"] > 5, within_s=90)
    assert site.get("/cameras/square")["adopted"]
    assert "it learns what is normal: seen for" in site.status("square")["reason"]
    for role in ("inference", "ingest", "enrolment"):
        site.roles[role].replace()
    site.redis.kill()
    site.redis.start()
    wait_until(lambda: arming(site, "square")["remembered_s"] > 5, within_s=90)
    wait_until(lambda: arming(site, "square")["state"] == "provisional", within_s=180)
    site.wait_until_ok("square")
    publisher.send_signal(signal.SIGUSR1)
    reason = site.status("square")["reason"]
    assert reason.startswith("new: it came by itself; look at it, then `patchwatch cameras acknowledge square`; ")
    assert "provisional: little is known yet of what is normal" in reason
    [bank] = [bank for bank in site.get("/cameras/square/banks")["banks"] if bank["active"]]
    assert (bank["by"], bank["by_itself"], bank["chosen"]) == ("learnt by itself", True, False)
    assert 'patchwatch_arming_state{camera="square",state="provisional"} 1.0' in metrics(site)
    [alert, *_] = wait_until(lambda: site.alerts(camera="square", kind="anomaly"), within_s=180)
    assert alert["provisional"]
    site.patch("/cameras/square", {})
    assert not site.get("/cameras/square")["adopted"]


def metrics(site: Installation) -> str:
    return site.http.get("/metrics").raise_for_status().text
