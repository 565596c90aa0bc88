"""Lets cameras watch one place for weeks: one that learns by itself, one whose operator says what its alerts were, and
one with the bank of its beginning."""

from __future__ import annotations

import logging
import multiprocessing
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.weeks import probe
from bench.weeks.camera import SimulatedCamera
from bench.weeks.judgement import Raised, Truth, held_against_budget, judge
from bench.weeks.life import (
    DAY_S,
    HOUR_S,
    INSTALLED_S,
    LASTING,
    ORDINARY_S,
    Happening,
    Kind,
    Visit,
    happenings,
    visits,
)
from bench.weeks.painter import Painter
from bench.weeks.places import HEIGHT, PLACES, WIDTH, Place
from bench.weeks.recurring import Corrections
from bench.weeks.shared_engine import LoadedEngines
from patchwatch.contract.settings import Settings, load_settings
from patchwatch.messages.alerts.alert import Alert, AlertKind
from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.cameras.correction import CorrectionKind
from patchwatch.messages.frames.frame import FrameFlag, FrameMessage
from workers.media import jpeg_codec

FPS = 5.0
MONDAY_S = 1_772_409_600  # 2026-03-02, 0:00 UTC
SELF_ARMING, FEEDBACK, ONCE = "self-arming", "with feedback", "enrolled once"
_LOOK_AT_SCHEDULE_S = 10.0
_QUALITY = 85
_EARLIER_S = 10.0


@dataclass(frozen=True)
class Order:
    """Which camera to simulate. ``camera``: number of its place. ``compare``: beside it one that is enrolled once.
    ``feedback``: and one whose operator says the truth of each alert at once. ``only``: of what happens, nothing
    is seen but these kinds, beside ordinary looks. ``repeated``: the anomaly of each day is this one, always the same.
    ``probe``: see `bench.weeks.probe`, in place of weeks.
    """

    camera: int
    seed: int
    days: int
    profile: str
    compare: bool = True
    feedback: bool = False
    only: tuple[str, ...] = ()
    look_s: float = ORDINARY_S
    repeated: str | None = None
    probe: bool = False

    @property
    def own_seed(self) -> int:
        return 1000 * self.seed + self.camera


def watch(order: Order) -> dict[str, Any]:
    """Simulate one camera; the result as JSON values."""
    *_, result = by_day(order)
    return result


def by_day(order: Order) -> Iterator[dict[str, Any]]:
    """The result so far after each day, and at last that of all."""
    with tempfile.TemporaryDirectory(prefix="weeks-") as folder:
        settings = load_settings(data_dir=Path(folder), device="cpu", threads=1)
        engines = LoadedEngines(settings, order.profile)
        try:
            yield from _Watching(order, settings, engines).days()
        finally:
            engines.stop()


def in_processes(orders: Sequence[Order], processes: int) -> Iterator[dict[str, Any]]:
    """The results as they come: with one process after each day, otherwise of whole cameras."""
    if processes == 1:
        _quiet()
        for order in orders:
            yield from by_day(order)
        return
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, spawn, initializer=_quiet) as pool:
        for future in as_completed([pool.submit(watch, order) for order in orders]):
            yield future.result()


def _quiet() -> None:
    logging.disable(logging.WARNING)  # thousands of alerts


class _Watching:
    def __init__(self, order: Order, settings: Settings, engines: LoadedEngines) -> None:
        self._order = order
        self._engines = engines
        self._place = PLACES[order.camera]
        self._happenings, self._visits = _course(order, self._place)
        self._painter = Painter(self._place, order.own_seed, self._happenings)
        self._seq = 0

        def camera(name: str, *, learns: bool) -> SimulatedCamera:
            record = Camera(id=name, profile=order.profile, self_arm=learns)
            return SimulatedCamera(settings, engines, record, learns)

        self._cameras = {SELF_ARMING: camera("self-arming", learns=True)}
        self._truth = Truth(self._happenings, self._visits, self._painter.is_dark)
        self._corrections = {SELF_ARMING: Corrections(self._cameras[SELF_ARMING])}
        if order.feedback:
            self._cameras[FEEDBACK] = camera("feedback", learns=True)
            self._corrections[FEEDBACK] = Corrections(self._cameras[FEEDBACK], self._operator)
        if order.compare:
            self._cameras[ONCE] = camera("once", learns=False)

    def days(self) -> Iterator[dict[str, Any]]:
        for number, visit in enumerate(self._visits):
            for corrections in self._corrections.values():
                corrections.follow(round(1000 * (MONDAY_S + visit.from_s)))
            self._see(visit)
            if number == 0 and ONCE in self._cameras:
                self._cameras[ONCE].learn_once(self._cameras[SELF_ARMING])
            following = self._visits[number + 1].day if number + 1 < len(self._visits) else self._order.days
            if visit.day < following < self._order.days:
                yield self._result(following)
        for camera in self._cameras.values():
            camera.finish()
        yield self._result(self._order.days)

    def _result(self, days: int) -> dict[str, Any]:
        """Of so many days."""
        return {
            "camera": self._place.name, "seed": self._order.seed, "days": days, "frames": self._seq,
            "ways": {way: self._facts(way, days) for way in self._cameras},
        }  # fmt: skip

    def _see(self, visit: Visit) -> None:
        last_s = visit.from_s
        for camera in self._cameras.values():
            camera.begin_visit()
        for message, at_s in self._footage(visit):
            self._engines.engine.forget()
            for camera in self._cameras.values():
                camera.show(message)
            if at_s - last_s >= _LOOK_AT_SCHEDULE_S:
                last_s = at_s
                self._learn(at_s)
        for camera in self._cameras.values():
            camera.pause()
        self._learn(visit.until_s)
        for way in self._corrections:
            self._cameras[way].follow_lasting_change(round(1000 * (MONDAY_S + visit.until_s)))

    def _learn(self, at_s: float) -> None:
        """A new bank scores with the corrections that are in force."""
        for way, corrections in self._corrections.items():
            self._cameras[way].settle()
            self._cameras[way].learn_if_due()
            corrections.use(round(1000 * (MONDAY_S + at_s)))

    def _operator(self, alert: Alert) -> CorrectionKind:
        """Says what is true: anomalies are, and all else is normal at its hour."""
        shown = self._truth.shows_anomaly(_as_raised(alert))
        return CorrectionKind.ANOMALY if shown else CorrectionKind.NORMAL_AT_THIS_TIME

    def _footage(self, visit: Visit) -> Iterator[tuple[FrameMessage, float]]:
        for number in range(round((visit.until_s - visit.from_s) * FPS)):
            at_s = visit.from_s + number / FPS
            jpeg = jpeg_codec.encode(self._painter.picture(at_s), _QUALITY)
            self._seq += 1
            flags = FrameFlag(0) if number else FrameFlag.DISCONTINUITY
            captured_ns, media_ns = round((MONDAY_S + at_s) * 1e9), round((at_s - INSTALLED_S) * 1e9)
            yield FrameMessage(self._seq, captured_ns, media_ns, WIDTH, HEIGHT, WIDTH, HEIGHT, flags, jpeg), at_s

    def _impressions(self, camera: SimulatedCamera, days: int) -> list[dict[str, Any]]:
        """Of each visit."""
        return [
            {
                "day": visit.day + 1, "hour": round(visit.from_s % DAY_S / HOUR_S, 2),
                "kind": visit.happening.kind.value if visit.happening else None,
            } | seen.facts()
            for visit, seen in zip(self._visits, camera.impressions, strict=False) if visit.day < days
        ]  # fmt: skip

    def _facts(self, way: str, days: int) -> dict[str, Any]:
        camera = self._cameras[way]
        happened = [one for one in self._happenings if one.day < days]
        seen = [one for one in self._visits if one.day < days]
        truth = Truth(happened, seen, self._painter.is_dark)
        conditions: dict[str, int] = {}
        for alert in camera.alerts.values():
            if alert.kind is not AlertKind.ANOMALY:
                conditions[alert.kind.value] = conditions.get(alert.kind.value, 0) + 1
        frames = sum(camera.scored.values())
        return judge(truth, _raised(camera), days) | {
            "visits": self._impressions(camera, days), "conditions": conditions, "changes": camera.changes,
            "said": self._corrections[way].said if way in self._corrections else [],
            "budget": held_against_budget(self._visits, camera.impressions, _raised(camera)),
            "scored_after_s": _since_installed(camera.armed_at_ms.get("provisional", camera.armed_at_ms.get("armed"))),
            "armed_after_s": _since_installed(camera.armed_at_ms.get("armed")),
            "frames": dict(camera.scored), "megabytes": camera.megabytes(), "banks": camera.banks,
            "ms_a_frame": round(1000 * camera.cost.frames_s / max(1, frames), 2),
            "learning_s": round(camera.cost.learning_s, 1), "dropped": dict(camera.state.counters),
        }  # fmt: skip


def _course(order: Order, place: Place) -> tuple[list[Happening], list[Visit]]:
    """What happens, and what is seen of it."""
    if order.probe:
        script = probe.anomalies(place)
        return script, probe.looks(script)
    script = happenings(place, order.own_seed, order.days, Kind(order.repeated) if order.repeated else None)
    return script, _wanted(visits(place, script, order.own_seed, order.days, order.look_s), order)


def _wanted(all_visits: Sequence[Visit], order: Order) -> list[Visit]:
    """What is seen: of an order for some kinds alone, those happenings from earlier on, as of an unbroken recording,
    and what the camera's normal goes on by: ordinary looks, and those at what has changed for good."""
    if not order.only:
        return list(all_visits)
    return [
        one if _goes_on(one) else replace(one, from_s=one.from_s - _EARLIER_S)
        for one in all_visits
        if _goes_on(one) or (one.happening is not None and one.happening.kind.value in order.only)
    ]


def _goes_on(visit: Visit) -> bool:
    return visit.happening is None or visit.happening.kind in LASTING


def _raised(camera: SimulatedCamera) -> list[Raised]:
    return [
        _as_raised(alert, camera.raised_ms.get(alert.id, ()))
        for alert in sorted(camera.alerts.values(), key=lambda alert: alert.started_at_ms)
        if alert.kind is AlertKind.ANOMALY
    ]


def _as_raised(alert: Alert, raised_ms: Sequence[int] = ()) -> Raised:
    started_ms, opened_ms, ended_ms = alert.started_at_ms, alert.opened_at_ms, alert.ended_at_ms or alert.peak_at_ms
    started_s, opened_s, ended_s, *raised_s = (
        at_ms / 1000 - MONDAY_S for at_ms in (started_ms, opened_ms, ended_ms, *raised_ms)
    )
    return Raised(started_s, opened_s, ended_s, tuple(raised_s))


def _since_installed(at_ms: int | None) -> float | None:
    return None if at_ms is None else round(at_ms / 1000 - MONDAY_S - INSTALLED_S, 1)
