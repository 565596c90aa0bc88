"""``patchwatch demo`` as a user runs it."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from footage import write_recording
from rich.console import Console
from waiting import stretched, wait_until

from patchwatch.cli.commands.demo import _addresses
from patchwatch.contract.errors import PatchwatchError
from patchwatch.contract.settings import Settings
from patchwatch.demo.scene.script import repeating
from patchwatch.demo.screen import make_screen
from patchwatch.demo.session import DemoOptions, DemoSession
from patchwatch.demo.summary import match_alerts
from patchwatch.rest_client import RestClient


@pytest.fixture
def scratch() -> Iterator[Path]:
    """Where the demonstration's temporary files go: a short path, since Unix sockets lie in it."""
    with tempfile.TemporaryDirectory(prefix="pw") as folder:
        yield Path(folder)


def start(scratch: Path, *options: str, told: Path | None = None) -> subprocess.Popen[str]:
    """The demonstration; what it tells goes into the file ``told``, if one is given."""
    with ExitStack() as stack:
        stderr = subprocess.PIPE if told is None else stack.enter_context(told.open("w"))
        return subprocess.Popen(
            [sys.executable, "-m", "patchwatch", "demo", *options],
            stdout=subprocess.PIPE, stderr=stderr, text=True, env=os.environ | {"TMPDIR": str(scratch)},
        )  # fmt: skip


class Seen:
    """What a user sees of a running demonstration: what it tells, its API, and the log of its publisher."""

    def __init__(self, scratch: Path, told: Path) -> None:
        self._scratch, self._told = scratch, told

    @property
    def text(self) -> str:
        return self._told.read_text()

    def scored(self) -> int:
        """Frames so far."""
        status = self._get("/cameras/demo/status")
        return int((status.get("frames") or {}).get("scored", 0))

    def alerted(self, every_s: float) -> bool:
        """Whether an anomaly of the script has its alert."""
        said: dict[str, int] = {}
        for path in self._scratch.glob("*/publisher.log"):
            for line in path.read_text().splitlines():
                said |= json.loads(line)
        if "first_anomaly_ms" not in said:
            return False
        began, script = said["started_at_ns"], repeating(said["first_anomaly_ms"] / 1000, every_s)
        alerts = self._get("/alerts?camera=demo").get("alerts", [])
        anomalies, _ = match_alerts(script, began // 1_000_000, (time.time_ns() - began) / 1e9, alerts)
        return any(one.alert_id for one in anomalies)

    def _get(self, path: str) -> dict[str, Any]:
        address = re.search(r"REST +(http://127\.0\.0\.1:\d+)/", self.text)
        with suppress(PatchwatchError):  # before it runs
            return dict(RestClient(address[1]).get(path)) if address else {}
        return {}


def summary_once(process: subprocess.Popen[str], seen: Seen, holds: Callable[[], bool]) -> dict[str, Any]:
    """The summary of a demonstration that is stopped once a condition holds."""
    try:
        wait_until(lambda: process.poll() is not None or holds(), within_s=360, every_s=1.0)
    finally:
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=120)
    assert process.returncode == 0, seen.text
    summary: dict[str, Any] = json.loads(out)
    return summary


def opened_at_s(alert: dict[str, Any]) -> float:
    return datetime.fromisoformat(alert["opened"]).timestamp()


@pytest.mark.timeout(400)
def test_the_camera_arms_itself_and_alerts_on_what_then_happens(scratch: Path, tmp_path: Path) -> None:
    """It becomes a camera by publishing; nothing is configured, and nothing enrolled. It is stopped once it alerted."""
    seen = Seen(scratch, tmp_path / "told")
    options = ("--learn-seconds", "25", "--first-anomaly", "50", "--anomaly-every", "12", "--json")
    process = start(scratch, *options, told=tmp_path / "told")
    summary = summary_once(process, seen, lambda: seen.scored() > 160 and seen.alerted(12))
    err = seen.text
    assert summary["armed_after_s"] is not None, err
    assert 25 < summary["armed_after_s"] < stretched(80), err
    assert summary["scored"] > 150
    assert summary["captured"] == summary["scored"] + sum(summary["dropped"].values())
    assert summary["dropped"]["no_bank"] > 100, "what it showed before it was armed, but for what a busy machine drops"
    assert summary["scores_pushed"] > 150
    assert summary["alerts"], err
    assert summary["alerts_pushed"] == [alert["id"] for alert in summary["alerts"]]
    played = summary["anomalies"]
    assert any(anomaly["alert_id"] for anomaly in played), err
    # At the level of a camera that knows less than a minute, false alarms come about every two minutes.
    began_at_s = played[0]["started_at_ms"] / 1000 - played[0]["second"]
    assert all(opened_at_s(alert) > began_at_s + summary["armed_after_s"] - stretched(2) for alert in summary["alerts"])
    assert {alert["provisional"] for alert in summary["alerts"]} == {True}
    assert re.search(r"curl -s http://127\.0\.0\.1:\d+/api/v1/alerts", err)
    assert list(scratch.iterdir()) == []


@pytest.mark.timeout(400)
def test_a_video_of_the_users_own_is_watched_and_its_alerts_are_not_guessed_at(scratch: Path, tmp_path: Path) -> None:
    normal, own = tmp_path / "normal.mp4", tmp_path / "own.mp4"
    write_recording(normal, loops=1)
    write_recording(own, loops=1)
    seen = Seen(scratch, tmp_path / "told")
    process = start(scratch, "--source", str(own), "--normal", str(normal), "--json", told=tmp_path / "told")
    summary = summary_once(process, seen, lambda: seen.scored() > 5)
    assert summary["scored"] > 5
    assert summary["anomalies"] == []


def test_it_ends_by_itself_after_its_duration(tmp_path: Path) -> None:
    session = DemoSession(DemoOptions(duration_s=0.5), Settings(data_dir=tmp_path))
    session._started_at_ms = time.time_ns() // 1_000_000
    with make_screen(Console(file=io.StringIO())) as screen:
        session.watch(screen)
    assert 0.5 <= session.live_s < stretched(10)


def test_a_camera_that_is_armed_late_is_shown_as_much_as_one_that_is_in_time(tmp_path: Path) -> None:
    session = DemoSession(DemoOptions(duration_s=120.0), Settings(data_dir=tmp_path))

    def is_over(live_s: float) -> bool:
        session._started_at_ms = time.time_ns() // 1_000_000 - round(live_s * 1000)
        return session._is_over()

    assert [is_over(live_s) for live_s in (119, 121, 355, 361)] == [False, False, False, True], "it is never armed"
    session._script = repeating(100.0)
    assert [is_over(live_s) for live_s in (119, 121)] == [False, True]
    session._script = repeating(131.0)
    assert [is_over(live_s) for live_s in (121, 150, 152)] == [False, False, True]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_can_be_stopped_while_it_starts(scratch: Path, number: signal.Signals) -> None:
    process = start(scratch)
    deadline = time.monotonic() + 60
    while not any(scratch.glob("*/serve.log")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(number)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--source", "missing.mp4", "--normal", __file__), r"missing\.mp4: No such file"),
        (("--source", __file__, "--normal", __file__), "give a video file"),
        (("--source", "http://camera/x", "--normal", __file__), "rtsp://"),
        (("--normal", __file__), "name that with --source"),
        (("--source", "rtsp://u:secret@camera/x", "--normal", "gone.mp4"), r"gone\.mp4 is not a file"),
        (("--duration", "50"), "make demo DURATION=120"),
    ],
)
def test_a_source_that_cannot_work_is_refused_before_anything_starts(
    scratch: Path, options: tuple[str, ...], message: str
) -> None:
    process = start(scratch, *options)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 2
    assert re.search(message, err)
    assert "Traceback" not in err
    assert "secret" not in out + err


def test_a_port_is_called_taken_only_when_it_was(tmp_path: Path) -> None:
    wanted = Settings(data_dir=tmp_path, port=38080, rtsp_port=38554)
    session = DemoSession(DemoOptions(), wanted)
    assert "taken" not in _addresses(session, wanted)
    session.settings = wanted.changed(port=38081)
    output = _addresses(session, wanted)
    assert "port 38080 is taken: the service uses 38081 instead" in output
    assert "38554 is taken" not in output
