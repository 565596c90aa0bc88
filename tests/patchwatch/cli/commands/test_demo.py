"""``patchwatch demo`` as a user runs it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from footage import write_recording

from patchwatch.cli.commands.demo import _addresses
from patchwatch.contract.settings import Settings
from patchwatch.demo.session import DemoOptions, DemoSession


@pytest.fixture
def scratch() -> Iterator[Path]:
    """Where the demonstration's temporary files go: a short path, since Unix sockets lie in it."""
    with tempfile.TemporaryDirectory(prefix="pw") as folder:
        yield Path(folder)


def start(scratch: Path, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "patchwatch", "demo", *options],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | {"TMPDIR": str(scratch)},
    )  # fmt: skip


def opened_at_s(alert: dict[str, Any]) -> float:
    return datetime.fromisoformat(alert["opened"]).timestamp()


@pytest.mark.timeout(400)
def test_the_camera_arms_itself_and_alerts_on_what_then_happens(scratch: Path) -> None:
    """It becomes a camera by publishing; nothing is configured, and nothing enrolled."""
    options = ("--duration", "105", "--learn-seconds", "25", "--first-anomaly", "80", "--anomaly-every", "12", "--json")
    process = start(scratch, *options)
    out, err = process.communicate(timeout=390)
    assert process.returncode == 0, err
    summary = json.loads(out)
    assert 25 < summary["armed_after_s"] < 80, err
    assert summary["scored"] > 150
    assert summary["captured"] == summary["scored"] + sum(summary["dropped"].values())
    assert summary["dropped"]["no_bank"] > 200, "what it showed before it was armed"
    assert summary["scores_pushed"] > 150
    assert summary["alerts"], err
    assert summary["alerts_pushed"] == [alert["id"] for alert in summary["alerts"]]
    played = summary["anomalies"]
    assert any(anomaly["alert_id"] for anomaly in played), err
    # At the level of a camera that knows less than a minute, false alarms come about every two minutes.
    began_at_s = played[0]["started_at_ms"] / 1000 - played[0]["second"]
    assert all(opened_at_s(alert) > began_at_s + summary["armed_after_s"] - 2 for alert in summary["alerts"])
    assert {alert["provisional"] for alert in summary["alerts"]} == {True}
    assert re.search(r"curl -s http://127\.0\.0\.1:\d+/api/v1/alerts", err)
    assert list(scratch.iterdir()) == []


@pytest.mark.timeout(400)
def test_a_video_of_the_users_own_is_watched_and_its_alerts_are_not_guessed_at(scratch: Path, tmp_path: Path) -> None:
    normal, own = tmp_path / "normal.mp4", tmp_path / "own.mp4"
    write_recording(normal, loops=5)
    write_recording(own, loops=1)
    process = start(scratch, "--source", str(own), "--normal", str(normal), "--duration", "5", "--json")
    out, err = process.communicate(timeout=390)
    assert process.returncode == 0, err
    summary = json.loads(out)
    assert summary["scored"] > 5
    assert summary["anomalies"] == []


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
