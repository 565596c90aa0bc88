"""Corrections of a camera's normal: made by verdicts and of stretches of time, listed, undone."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from service_world import World

from patchwatch.bus import keys
from patchwatch.bus.corrections import change_corrections
from patchwatch.messages.banks.arming import MemoryExtent, MemoryStatus
from patchwatch.messages.banks.enrolment import Enrolment
from patchwatch.messages.cameras.analysis_status import CorrectionsInForce
from patchwatch.messages.cameras.correction import MOST_IN_FORCE, Correction, CorrectionKind, Span

BASE = "/api/v1/cameras/gate/corrections"
TIME = {"from": "2026-11-28T22:00:00Z", "to": "2026-11-28T22:05:00Z"}


@pytest.fixture
def gate(world: World) -> World:
    world.camera()
    return world


async def listed(api: httpx.AsyncClient) -> list[dict[str, Any]]:
    answer = await api.get(BASE)
    assert answer.status_code == 200, answer.text
    corrections: list[dict[str, Any]] = answer.json()["corrections"]
    return corrections


async def says(api: httpx.AsyncClient, started_ms: int, verdict: str, **more: object) -> str:
    answer = await api.put(f"/api/v1/alerts/gate-{started_ms}/verdict", json={"verdict": verdict, **more})
    assert answer.status_code == 200, answer.text
    effect: str = answer.json()["effect"]
    return effect


async def test_normal_covers_the_event_with_a_margin(api: httpx.AsyncClient, gate: World) -> None:
    gate.alert(100_000, ended_at_ms=110_000, state="closed")
    assert "raises no alert here any more" in await says(api, 100_000, "normal", note="the cleaner")
    [one] = await listed(api)
    assert one["spans"] == [{"from": "1970-01-01T00:01:35.000Z", "to": "1970-01-01T00:01:55.000Z"}]
    assert (one["kind"], one["hours"], one["alert_ids"]) == ("normal", None, ["gate-100000"])
    assert (one["by"], one["note"], one["in_force"]) == ("operator", "the cleaner", True)


async def test_one_verdict_replaces_the_other_and_undo_takes_back_all(api: httpx.AsyncClient, gate: World) -> None:
    gate.alert(100_000)
    await says(api, 100_000, "normal")
    await says(api, 100_000, "normal")
    await says(api, 100_000, "anomaly")
    assert [(one["kind"], one["in_force"]) for one in await listed(api)] == [("anomaly", True), ("normal", False)]
    assert await says(api, 100_000, "unsure") == "no score changes"
    assert not any(one["in_force"] for one in await listed(api))
    await says(api, 100_000, "normal")
    answer = await api.delete("/api/v1/alerts/gate-100000/verdict")
    assert "had it never been said" in answer.json()["effect"]
    assert not any(one["in_force"] for one in await listed(api))


@pytest.mark.parametrize("weekly", [False, True])
async def test_normal_at_this_time_has_hours(api: httpx.AsyncClient, gate: World, *, weekly: bool) -> None:
    began_ms = 1_800_000_000_000
    gate.alert(began_ms, ended_at_ms=began_ms + 600_000)
    await says(api, began_ms, "normal_at_this_time", weekly=weekly)
    [one] = await listed(api)
    assert (one["kind"], one["hours"]["weekday"] is not None) == ("normal_at_this_time", weekly)
    hours = [int(part) for edge in ("from", "to") for part in one["hours"][edge].split(":")]
    assert (hours[2] * 60 + hours[3] - hours[0] * 60 - hours[1]) % 1440 == 70, "ten minutes, and thirty on each side"
    share = (await api.get("/api/v1/cameras/gate/status")).json()["alerts_confirmed_share"]
    assert (share["judged"], share["confirmed"]) == (1, 0)


async def test_an_anomaly_takes_back_what_recurs(api: httpx.AsyncClient, gate: World) -> None:
    gate.alert(100_000)
    span = Span(from_ms=1, until_ms=2)
    recurring = Correction(id="0" * 16, kind=CorrectionKind.RECURRING, spans=(span,) * 2, by="recurrence", at_ms=3,
                           alert_ids=("gate-1", "gate-100000"))  # fmt: skip
    change_corrections(gate.bus, "gate", lambda before: before.with_one(recurring))
    await says(api, 100_000, "anomaly")
    rejected, undone = await listed(api)
    assert (rejected["kind"], undone["kind"], undone["undone_by"]) == ("anomaly", "recurring", "operator")


async def test_alerts_about_the_picture_correct_nothing(api: httpx.AsyncClient, gate: World) -> None:
    frozen = gate.condition("frozen", 100_000)
    answer = await api.put(f"/api/v1/alerts/{frozen}/verdict", json={"verdict": "normal"})
    assert answer.json()["effect"] == "no score changes"
    assert await listed(api) == []


async def test_too_many_corrections_are_refused_and_the_verdict_counts(api: httpx.AsyncClient, gate: World) -> None:
    for number in range(MOST_IN_FORCE):
        assert (await api.post(BASE, json={"kind": "learn", **TIME, "note": str(number)})).status_code == 201
    refused = await api.post(BASE, json={"kind": "learn", **TIME})
    assert refused.status_code == 409
    assert "undo one" in refused.json()["detail"]
    gate.alert(100_000)
    assert "undo one" in await says(api, 100_000, "normal")
    assert (await api.get("/api/v1/alerts/gate-100000")).json()["verdict"]["verdict"] == "normal"
    for number in range(MOST_IN_FORCE + 5):  # verdicts are never used up
        gate.alert(200_000 + number)
        assert await says(api, 200_000 + number, "anomaly") == "no bank learns from it"
    assert len(await listed(api)) == 2 * MOST_IN_FORCE


async def test_learn_is_undone_once(api: httpx.AsyncClient, gate: World) -> None:
    made = (await api.post(BASE, json={"kind": "learn", **TIME, "note": "deliveries"})).json()
    assert "raises no alert any more" in made["effect"]
    undone = await api.delete(f"{BASE}/{made['id']}")
    assert (undone.status_code, undone.json()["undone_by"]) == (200, "operator")
    assert (await api.delete(f"{BASE}/{made['id']}")).status_code == 409
    assert (await api.delete(f"{BASE}/{'f' * 16}")).status_code == 404


async def test_forget_has_a_bank_learnt_and_so_has_its_undoing(api: httpx.AsyncClient, gate: World) -> None:
    made = (await api.post(BASE, json={"kind": "forget", **TIME})).json()
    [enrolment] = [Enrolment.decode(data) for data in gate.bus.hvals(keys.ENROLMENT_RECORDS)]
    assert enrolment.from_memory
    assert enrolment.id in made["effect"]
    assert "once it is done" in (await api.delete(f"{BASE}/{made['id']}")).json()["effect"]


async def test_what_nobody_remembers_is_said_at_once(api: httpx.AsyncClient, gate: World) -> None:
    extent = MemoryExtent(seconds=60, stretches=2, from_ms=1_900_000_000_000, until_ms=1_900_000_060_000)
    memory = MemoryStatus(camera_id="gate", profile="motion", extent=extent, first_bank_s=60.0)
    gate.bus.hset(keys.MEMORIES, "gate", memory.encode())
    gate.alert(100_000)
    assert "nothing is remembered of that time" in await says(api, 100_000, "normal")


async def test_status_says_how_many_count(api: httpx.AsyncClient, gate: World) -> None:
    gate.analysis(corrections=CorrectionsInForce(in_force=2, waiting=1, why_waiting="it is being read"))
    analysis = (await api.get("/api/v1/cameras/gate/status")).json()["analysis"]
    assert analysis["corrections"] == {"in_force": 2, "waiting": 1, "why_waiting": "it is being read"}


async def test_corrections_go_with_their_camera(api: httpx.AsyncClient, gate: World) -> None:
    gate.alert(100_000)
    await says(api, 100_000, "normal")
    await api.delete("/api/v1/cameras/gate")
    assert not gate.bus.exists(keys.CORRECTIONS)
    assert "its camera was removed" in await says(api, 100_000, "normal_at_this_time")


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "normal", **TIME}, {"kind": "learn", "from": TIME["to"], "to": TIME["from"]},
        {"kind": "learn", "from": "2026-11-20T00:00:00Z", "to": TIME["to"]}, {"kind": "learn", "from": 1, "to": "x"},
        {"kind": "learn", **TIME, "note": "x" * 501},
    ],
)  # fmt: skip
async def test_what_makes_no_sense_is_refused(api: httpx.AsyncClient, gate: World, body: dict[str, object]) -> None:
    assert (await api.post(BASE, json=body)).status_code == 422
    assert await listed(api) == []


async def test_what_cannot_be_read_is_neither_forgotten_nor_written_over(api: httpx.AsyncClient, gate: World) -> None:
    gate.alert(100_000)
    gate.bus.hset(keys.CORRECTIONS, "gate", b"rubbish")
    for answer in (await api.get(BASE), await api.post(BASE, json={"kind": "learn", **TIME})):
        assert (answer.status_code, answer.json()["type"].rsplit(":")[-1]) == (409, "unreadable-record")
        assert "patchwatch cameras discard-corrections gate" in answer.json()["detail"]
    assert "cannot be read" in await says(api, 100_000, "normal"), "the verdict counts, and makes no correction"
    assert gate.field(keys.CORRECTIONS, "gate") == b"rubbish"
    assert (await api.get("/api/v1/cameras/gate/report")).json()["learnt"]["corrections"] is None


async def test_what_cannot_be_read_is_discarded_only_by_an_operator(api: httpx.AsyncClient, gate: World) -> None:
    gate.bus.hset(keys.CORRECTIONS, "gate", b"rubbish")
    assert (await api.delete(BASE)).status_code == 204
    assert (await api.post(BASE, json={"kind": "learn", **TIME})).status_code == 201
    assert (await api.delete(BASE)).status_code == 409, "what can be read is undone, not discarded"
    assert len(await listed(api)) == 1
