"""The table of `patchwatch top`: one line a camera, what needs attention first."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.table import Table
from rich.text import Text

SCORES_SHOWN = 40  # of a camera, newest on the right
_BARS = "▁▂▃▄▅▆▇█"


@dataclass
class TopTable:
    """Remembers the last scores of each camera that is there."""

    _scores: dict[str, deque[float]] = field(default_factory=dict)

    def table(self, statuses: Sequence[Mapping[str, Any]], alerts: Sequence[Mapping[str, Any]], rows: int) -> Table:
        """``statuses`` and open ``alerts`` as REST answers them. At most ``rows`` cameras are shown, all count."""
        self._remember(statuses)
        opened = {str(alert["camera_id"]): str(alert["kind"]) for alert in alerts}
        ordered = sorted(statuses, key=lambda status: _urgency(status, opened))
        table = Table(title=_title(statuses, opened, rows), title_justify="left", expand=False)
        for heading in ("camera", "health", "fps", "lag", "score", "level", "last scores", "open alert"):
            table.add_column(heading, justify="right" if heading in ("fps", "lag", "score", "level") else "left")
        for status in ordered[:rows]:
            table.add_row(*self._row(status, opened.get(status["camera_id"], "")))
        return table

    def _remember(self, statuses: Sequence[Mapping[str, Any]]) -> None:
        there = {status["camera_id"] for status in statuses}
        self._scores = {camera: scores for camera, scores in self._scores.items() if camera in there}
        for status in statuses:
            if status["last_score"] is not None:
                scores = self._scores.setdefault(status["camera_id"], deque(maxlen=SCORES_SHOWN))
                scores.append(status["last_score"]["score"])

    def _row(self, status: Mapping[str, Any], alert: str) -> tuple[Text, ...]:
        capture, analysis = status["capture"] or {}, status["analysis"] or {}
        level, score = analysis.get("threshold_on"), (status["last_score"] or {}).get("score")
        loud = level is not None and score is not None and score > level
        line = sparkline(self._scores.get(status["camera_id"], ()))
        return (
            Text(status["camera_id"], "bold"), _health(status), Text(_number(capture.get("fps"), ".1f")),
            Text(_number(status["lag_s"], ".2f", " s")), Text(_number(score, ".2f"), "red" if loud else ""),
            Text(_number(level, ".2f")), Text(line, "red" if loud else "green"), Text(alert, "bold red"),
        )  # fmt: skip


def sparkline(scores: Sequence[float] | deque[float]) -> str:
    """Scores between 0 and 1 as bars."""
    return "".join(_BARS[min(len(_BARS) - 1, max(0, int(score * len(_BARS))))] for score in scores)


def _urgency(status: Mapping[str, Any], opened: Mapping[str, str]) -> tuple[bool, bool, str]:
    return status["camera_id"] not in opened, status["health"] in ("ok", "disabled"), status["camera_id"]


def _title(statuses: Sequence[Mapping[str, Any]], opened: Mapping[str, str], rows: int) -> str:
    well = sum(status["health"] == "ok" for status in statuses)
    title = f"{len(statuses)} cameras, {well} watched, {len(opened)} with an open alert"
    return title + (f" (the first {rows} are shown)" if len(statuses) > rows else "")


def _health(status: Mapping[str, Any]) -> Text:
    arming = (status.get("arming") or {}).get("state")
    if status["health"] == "ok":
        return Text(f"ok, {arming}" if arming else "ok", "green" if arming == "armed" else "yellow")
    return Text(f"{status['health']}: {status['reason']}".rstrip(": "), "yellow")


def _number(value: float | None, form: str, unit: str = "") -> str:
    return "-" if value is None else f"{value:{form}}{unit}"
