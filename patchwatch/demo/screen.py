"""The terminal during a demonstration: a live table, or plain lines when the output is not a terminal."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Protocol, Self

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from patchwatch.demo.summary import describe

_BAR = 32
_ALERTS_SHOWN = 8
_LINE_EVERY_S = 5.0


@dataclass(frozen=True)
class CameraSnapshot:
    """The state of the camera at one moment."""

    second: float
    state: str
    detail: str
    fps: float | None
    captured: int
    scored: int
    dropped: int
    score: float | None
    threshold: float | None
    happening: str  # The scripted anomaly that is visible now, or "".
    arming: str = ""  # "learning", "provisional", "armed", or "" before the first status.


class Screen(Protocol):
    """Where the demonstration is shown."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
    def show(self, snapshot: CameraSnapshot, changed: list[dict[str, Any]]) -> None:
        """``changed``: alerts that opened or closed since the last call."""
        ...


@dataclass
class PlainScreen:
    """One line about every five seconds, and one at each change of an alert."""

    console: Console
    _next: float = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def show(self, snapshot: CameraSnapshot, changed: list[dict[str, Any]]) -> None:
        for alert in changed:
            mark = "!!" if alert["state"] == "open" else "ok"
            self._print(f"{snapshot.second:6.1f} s  {mark} {describe(alert)}")
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _LINE_EVERY_S
        score = "-" if snapshot.score is None else f"{snapshot.score:.2f}"
        threshold = "-" if snapshot.threshold is None else f"{snapshot.threshold:.2f}"
        now = f"  [scripted: {snapshot.happening}]" if snapshot.happening else ""
        self._print(
            f"{snapshot.second:6.1f} s  {snapshot.state:10s} {snapshot.arming:11s} score {score} / {threshold}  "
            f"captured {snapshot.captured} scored {snapshot.scored} dropped {snapshot.dropped}{now}"
        )

    def _print(self, line: str) -> None:
        self.console.print(line, markup=False, highlight=False, soft_wrap=True)


@dataclass
class LiveScreen:
    """A table that is redrawn continuously, with the latest alerts below it."""

    console: Console
    _alerts: dict[str, tuple[float, dict[str, Any]]] = field(default_factory=dict)
    _live: Live | None = None

    def __enter__(self) -> Self:
        self._live = Live(console=self.console, refresh_per_second=5)
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, snapshot: CameraSnapshot, changed: list[dict[str, Any]]) -> None:
        for alert in changed:
            first, _ = self._alerts.get(alert["id"], (snapshot.second, alert))
            self._alerts[alert["id"]] = (first, alert)
        if self._live is not None:
            self._live.update(Group(self._table(snapshot), *self._lines()))

    def _table(self, snapshot: CameraSnapshot) -> Table:
        table = Table(title=f"live, {snapshot.second:.0f} s", title_justify="left", expand=False)
        for heading in ("camera", "score", "alerts above", "frames", "in the picture"):
            table.add_column(heading)
        state_style = "green" if snapshot.state == "live" else "yellow"
        camera = Text.assemble(("demo ", "bold"), (snapshot.state, state_style), f" {snapshot.fps or 0:.1f}/s")
        if snapshot.arming:
            camera.append(f"\n{snapshot.arming}")
        if snapshot.detail and (snapshot.state != "live" or snapshot.arming == "learning"):
            camera.append(f"\n{snapshot.detail}")
        threshold = "-" if snapshot.threshold is None else f"{snapshot.threshold:.2f}"
        frames = f"{snapshot.captured} captured\n{snapshot.scored} scored\n{snapshot.dropped} dropped"
        table.add_row(
            camera, _bar(snapshot.score, snapshot.threshold), threshold, frames, snapshot.happening or "normal"
        )
        return table

    def _lines(self) -> list[Text]:
        latest = list(self._alerts.values())[-_ALERTS_SHOWN:]
        return [
            Text(f" {second:6.1f} s  {describe(alert)}", style="bold red" if alert["state"] == "open" else "")
            for second, alert in latest
        ]


def _bar(score: float | None, threshold: float | None) -> Text:
    """The score as a bar with a mark at the threshold."""
    if score is None:
        return Text("-")
    filled, mark = round(score * _BAR), None if threshold is None else min(_BAR - 1, int(threshold * _BAR))
    alarmed = threshold is not None and score > threshold
    bar = Text()
    for cell in range(_BAR):
        if cell == mark:
            bar.append("|", "bold")
        else:
            bar.append("█" if cell < filled else "·", "red" if alarmed else "green" if cell < filled else "dim")
    return bar.append(f" {score:.2f}")


def make_screen(console: Console) -> Screen:
    """A live table on a terminal, plain lines elsewhere."""
    return LiveScreen(console) if console.is_terminal else PlainScreen(console)
