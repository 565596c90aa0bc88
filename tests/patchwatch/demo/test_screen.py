"""What the terminal shows: plain lines without one, a table with one."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from patchwatch.demo.screen import CameraSnapshot, LiveScreen, PlainScreen, make_screen

GLANCE = CameraSnapshot(12.3, "live", "", 10.0, 120, 118, 2, 0.61, 0.40, "run")
ALERT: dict[str, Any] = {
    "id": "demo-1", "state": "open", "peak_score": 0.61, "threshold": 0.4, "stream": "motion",
    "region": {"x1": 1, "y1": 2, "x2": 3, "y2": 4},
}  # fmt: skip


def console(terminal: bool) -> Console:
    return Console(file=io.StringIO(), force_terminal=terminal, width=120, color_system=None)


def text(of: Console) -> str:
    assert isinstance(of.file, io.StringIO)
    return of.file.getvalue()


@pytest.mark.parametrize(("terminal", "kind"), [(True, LiveScreen), (False, PlainScreen)])
def test_a_table_is_drawn_only_on_a_terminal(terminal: bool, kind: type) -> None:
    assert isinstance(make_screen(console(terminal)), kind)


@pytest.mark.parametrize("terminal", [True, False])
def test_state_score_threshold_frames_and_alerts_are_shown(terminal: bool) -> None:
    out = console(terminal)
    with make_screen(out) as screen:
        screen.show(GLANCE, [ALERT])
    shown = text(out)
    for part in ("live", "0.61", "0.40", "118", "run", "demo-1", "stream motion in 1,2-3,4"):
        assert part in shown


def test_plain_lines_do_not_flood_but_no_alert_is_left_out() -> None:
    out = console(terminal=False)
    with PlainScreen(out) as screen:
        for _ in range(5):
            screen.show(GLANCE, [])
        screen.show(GLANCE, [ALERT])
    assert len(text(out).splitlines()) == 2


def test_a_camera_that_is_not_live_says_why() -> None:
    out = console(terminal=True)
    with LiveScreen(out) as screen:
        screen.show(CameraSnapshot(3.0, "offline", "no publisher", None, 0, 0, 0, None, None, ""), [])
    assert "no publisher" in text(out)
