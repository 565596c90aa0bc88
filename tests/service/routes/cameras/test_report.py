"""The report on a camera's last days: where the hours went, its alerts, its budget, and the one thing to do next."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from service_world import World, now_ms

from patchwatch.bus import keys
from patchwatch.messages.alerts.alert import AlertState
from patchwatch.messages.alerts.verdict import AlertVerdicts, Statement, Verdict
from patchwatch.messages.banks.bank_version import BankOrigin, BankVersion, CameraBanks
from patchwatch.messages.cameras.correction import CameraCorrections, Correction, CorrectionKind, Span
from patchwatch.messages.cameras.drift import Drift, DriftingStream
from patchwatch.messages.cameras.quiet_hour import HOUR_MS, QuietHour

THIS_HOUR_MS = now_ms() // HOUR_MS * HOUR_MS


def ago(hours: float) -> int:
    return THIS_HOUR_MS - round(hours * HOUR_MS)


@pytest.fixture
def watched(world: World) -> World:
    """A camera that is well, and was watched for 156 of the last 160 hours."""
    world.camera()
    world.capture()
    world.analysis(bank_id="b1" * 6)
    world.score(now_ms())
    for hour in range(160, 0, -1):
        minutes = 0 if hour <= 4 else 60
        world.add(
            world.keys_of("gate").hours,
            QuietHour(hour_ms=ago(hour), minutes=minutes, samples=100, rare={"motion": 9}).fields(),
            f"{ago(hour)}-0",
        )
    return world


def closed(world: World, hours_ago: float, verdict: Verdict | None = None, **fields: Any) -> None:
    at_ms = ago(hours_ago)
    known: dict[str, Any] = {"state": AlertState.CLOSED, "ended_at_ms": at_ms + 20_000}
    world.alert(at_ms, **known | fields)
    if verdict is not None:
        said = AlertVerdicts(statements=(Statement(verdict=verdict, by="operator", at_ms=at_ms),))
        world.bus.set(keys.alert_verdicts(f"gate-{at_ms}"), said.encode())


async def report(api: httpx.AsyncClient, query: str = "") -> dict[str, Any]:
    answer = await api.get(f"/api/v1/cameras/gate/report{query}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_the_hours_are_told_apart(api: httpx.AsyncClient, watched: World) -> None:
    watched.condition("offline", ago(4), state="closed", ended_at_ms=ago(1))
    watched.condition("covered", ago(30), state="closed", ended_at_ms=ago(28))
    watched.condition("frozen", ago(29), state="closed", ended_at_ms=ago(28))
    answer = await report(api)
    assert answer["watched"] == {
        "hours": 160.0, "watched_h": 154.0, "blind_h": 2.0, "offline_h": 3.0, "not_scored_h": 1.0,
    }  # fmt: skip
    assert answer["lines"][0] == (
        "watched: 154.0 of 160 h, 3.0 h without frames, 2.0 h in which nothing could be seen, 1.0 h not scored"
    )
    assert answer["lines"][1] == "alerts: 0 anomalies; 1 covered, 1 frozen, 1 offline"
    assert answer["next_step"] == "nothing needs to be done"


async def test_its_alerts_and_what_was_said_of_them(api: httpx.AsyncClient, watched: World) -> None:
    for n, verdict in enumerate([Verdict.ANOMALY, Verdict.NORMAL, Verdict.NORMAL, Verdict.UNSURE, None]):
        closed(watched, 10 + n, verdict)
    closed(watched, 24 * 9, Verdict.ANOMALY)
    closed(watched, 8, camera_id="other")
    alerts = (await report(api))["alerts"]
    share = alerts.pop("confirmed_share")
    assert alerts == {"by_kind": {"anomaly": 5}, "reviewed": 4, "unreviewed": 1, "normal": 2, "complete": True}
    assert (share["confirmed"], share["judged"]) == (1, 3)
    assert share["low"] < 1 / 3 < share["high"]


@pytest.mark.parametrize(("spent", "per_day", "kept"), [(3, 4, "yes"), (40, 1, "no"), (7, 1, "unclear")])
async def test_the_budget_was_kept_or_not_or_it_cannot_be_told(
    api: httpx.AsyncClient, watched: World, spent: int, per_day: float, kept: str
) -> None:
    watched.camera(false_alarms_per_day=per_day)
    for n in range(spent):
        closed(watched, 10 + n)
    closed(watched, 5, provisional=True)
    closed(watched, 6, Verdict.ANOMALY)
    budget = (await report(api))["budget"]
    assert (budget["spent"], budget["kept"], budget["budget"]["per_day"]) == (spent, kept, per_day)
    assert budget["low"] < budget["per_day"] == pytest.approx(spent / (156 / 24), abs=0.01)
    assert budget["per_day"] < budget["high"]


async def test_what_it_learnt(api: httpx.AsyncClient, watched: World) -> None:
    versions = tuple(
        BankVersion(
            id=bank_id, camera_id="gate", profile="motion", format=1, created_at="2026-11-20T08:00:00Z",
            stored_at_ms=ago(hours), origin=BankOrigin(by="learnt by itself", by_itself=True), seconds=900.0,
        )
        for bank_id, hours in (("b1" * 6, 50), ("a0" * 6, 24 * 20))
    )  # fmt: skip
    watched.bus.hset(keys.BANKS, "gate", CameraBanks(camera_id="gate", versions=versions).encode())
    normal = Correction(
        id="0" * 16, kind=CorrectionKind.NORMAL, spans=(Span(from_ms=1, until_ms=2),), by="operator", at_ms=3
    )
    undone = normal.model_copy(update={"id": "1" * 16, "undone_by": "operator", "undone_at_ms": 4})
    corrections = CameraCorrections(camera_id="gate", corrections=(normal, undone))
    watched.bus.hset(keys.CORRECTIONS, "gate", corrections.encode())
    answer = await report(api)
    learnt = answer["learnt"]
    assert (learnt["banks"], learnt["corrections"], learnt["active_bank"]) == (1, 1, "b1" * 6)
    assert answer["lines"][3].startswith("learnt: 1 bank in this time, 1 correction in force; the active bank: 900 s")
    assert learnt["text"].startswith("the active bank: 900 s of footage")
    assert (await report(api, "?days=31"))["learnt"]["banks"] == 2


async def test_drift_is_the_next_step(api: httpx.AsyncClient, watched: World) -> None:
    drifting = (DriftingStream(name="place", since_ms=ago(20), share=0.8),)
    drift = Drift(camera_id="gate", hours=96, streams=drifting, text="look at the camera: all is new")
    watched.bus.hset(keys.DRIFTS, "gate", drift.encode())
    answer = await report(api)
    assert answer["drift"] == {"hours": 96, "drifting": ["place"], "text": "look at the camera: all is new"}
    assert answer["next_step"] == answer["lines"][-1].removeprefix("next: ") == "look at the camera: all is new"


@pytest.mark.parametrize(
    ("what", "step"),
    [
        ("nothing", "nothing needs to be done"),
        ("unreviewed", "say of the 6 alerts that nobody has judged"),
        ("normal", "learn what was normal after all: 40 alerts"),
        ("offline", "look at the camera's connection: no frames came for 40.0 h"),
        ("blind", "look at the camera: for 40.0 h its picture could show no anomaly"),
        ("unwell", "disabled: switched off"),
    ],
)
async def test_the_next_step_is_one(api: httpx.AsyncClient, watched: World, what: str, step: str) -> None:
    lasting: dict[str, Any] = {"state": "closed", "ended_at_ms": ago(40)}
    if what == "offline":
        for hour in range(80, 40, -1):
            watched.bus.xdel(watched.keys_of("gate").hours, f"{ago(hour)}-0")
        watched.bus.delete(watched.keys_of("gate").hours)
        for hour in range(160, 0, -1):
            fields = QuietHour(hour_ms=ago(hour), minutes=0 if 40 < hour <= 80 else 60).fields()
            watched.add(watched.keys_of("gate").hours, fields, f"{ago(hour)}-0")
    if what in ("offline", "blind"):
        watched.condition("offline" if what == "offline" else "covered", ago(80), **lasting)
    for n in range({"unreviewed": 6, "normal": 40}.get(what, 0)):
        closed(watched, 10 + n, Verdict.NORMAL if what == "normal" else None)
    if what == "unwell":
        watched.camera(enabled=False)
    assert (await report(api))["next_step"].startswith(step)


async def test_a_new_camera_has_a_report_too(api: httpx.AsyncClient, world: World) -> None:
    world.camera()
    answer = await report(api)
    assert answer["watched"]["hours"] == 0
    assert answer["budget"]["kept"] == "unclear"
    assert answer["lines"][0].startswith("watched: no hour is summed up yet")
    assert (await api.get("/api/v1/cameras/none/report")).status_code == 404
    assert (await api.get("/api/v1/cameras/gate/report?days=32")).status_code == 422
