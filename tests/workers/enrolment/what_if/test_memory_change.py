"""What another bank, zones or corrections would have made of the memory is what they make of the same frames live."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from moving_scene import FPS, scene
from remembered import motion_engine
from scene_bank import bank_of_the_scene

from models.alarms.event_detector import Event
from models.banks.additions import Addition, Additions
from models.banks.bank import Bank
from models.banks.bank_builder import BankBuilder
from models.banks.bank_file import save_bank
from models.banks.rare_vectors import rare_vectors
from models.engine.frame_scorer import FrameScorer
from models.exemplars.provenance import Moment
from models.frames.frame import CameraContext, Features, Frame
from models.frames.view import ViewMask
from models.memory.addition_file import save_addition
from models.memory.store import MemoryStore
from models.memory.stretches.stretch_collector import StretchCollector
from models.memory.stretches.stretch_identity import stretch_identity
from patchwatch.bus import keys
from patchwatch.bus.corrections import change_corrections
from patchwatch.messages.alerts.alert import Alert, AlertState
from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.cameras.correction import Correction, CorrectionKind, Span
from patchwatch.messages.what_if import Basis, WhatIf, WhatIfAnswer, WhatIfOrder
from workers.analysis.zone_view import view_of
from workers.enrolment.what_if import memory_change
from workers.enrolment.what_if.what_if_orders import WhatIfHandler

BEGAN_MS = 1_800_000_000_000
LOOP = 157  # frames: four swings of the patch, which then goes on where it began
RUSHES = (range(60, 72), range(60 + LOOP, 72 + LOOP))
FRAMES = 2 * LOOP
ZONES = [{"name": "road", "kind": "ignore", "points": [(0.0, 0.0), (0.7, 0.0), (0.7, 1.0), (0.0, 1.0)]}]
ID = "00000000000000aa"


def at_s(n: int) -> float:
    return BEGAN_MS / 1000 + n / FPS


@cache
def active() -> Bank:
    return bank_of_the_scene(motion_engine())


@cache
def busy() -> Bank:
    """One that has seen the rush."""
    builder = BankBuilder(motion_engine().profile, motion_engine().streams, motion_engine().identity)
    for frame, features in live():
        builder.add(frame.at_s - at_s(0), features, frame.rgb)
    return builder.build(["a busy day"])


@cache
def live(zones: bool = False) -> list[tuple[Frame, tuple[Features, ...]]]:
    """All frames with their features, as a live camera with or without these zones extracts them."""
    engine, context = motion_engine(), CameraContext()
    if zones:
        context = CameraContext(mask=ViewMask(view_of(Camera.model_validate({"id": "cam", "zones": ZONES}).zones)))
        context.mask = ViewMask(context.mask.view, active().view)
    frames = [
        Frame(scene(n % LOOP / FPS, rush=any(n in rush for rush in RUSHES)), at_s(n), discontinuity=n == 0)
        for n in range(FRAMES)
    ]
    return [(frame, tuple(engine.extract([frame], [context])[0])) for frame in frames]


def events(scorer: FrameScorer, zones: bool = False) -> list[Event]:
    """What happens live."""
    found: dict[float, Event] = {}
    for frame, features in live(zones):
        score = scorer.score(features, frame.at_s, discontinuity=frame.discontinuity)
        found |= {event.started_s: event for event in score.changes}
    return list((found | {event.started_s: event for event in scorer.finish()}).values())


@pytest.fixture
def remembering(site: Any) -> Any:
    """A camera with its bank, and all of its frames in its memory, in stretches of ten seconds."""
    site.camera()
    save_bank(active(), site.settings.bank_path("cam", "motion"))
    engine = motion_engine()
    kinds, identity = [spec.kind for spec in engine.profile.streams], stretch_identity(engine.profile, engine.identity)
    store, scorer = MemoryStore(folder(site), 64), FrameScorer(active())
    collector = StretchCollector(kinds, identity, 10.0)
    for n, (frame, features) in enumerate(live()):
        if not collector.fits(frame):
            store.append(collector.finish())
            collector = StretchCollector(kinds, identity, 10.0)
        score = scorer.score(features, frame.at_s, discontinuity=frame.discontinuity).score
        collector.add(frame, BEGAN_MS + round(n / FPS * 1000), 1, features, score=score)
    store.append(collector.finish())
    return site


def folder(site: Any) -> Path:
    path: Path = site.settings.memory_path("cam", "motion")
    return path


def asked(site: Any, **change: Any) -> WhatIfAnswer:
    now_ms = time.time_ns() // 1_000_000
    span = {"from_ms": BEGAN_MS - 1, "to_ms": BEGAN_MS + 10**6}
    order = WhatIfOrder.model_validate(
        {"token": "t", "camera_id": "cam", "change": change, "asked_at_ms": now_ms, **span}
    )
    site.client.rpush(keys.WHAT_IF_ORDERS, order.encode())
    WhatIfHandler(site.settings, site.client).poll()
    return WhatIfAnswer.decode(site.client.lpop(keys.what_if_answer("t")))


def answer_to(site: Any, **change: Any) -> WhatIf:
    answer = asked(site, **change)
    assert answer.what_if is not None, answer
    return answer.what_if


def put_alert(site: Any, camera_id: str = "cam") -> str:
    """The alert that the first rush raised."""
    [first, _] = events(FrameScorer(active()))
    began_ms, ended_ms = (round(second * 1000) for second in (first.started_s, first.ended_s or 0.0))
    alert = Alert(
        id=f"{camera_id}-{began_ms}", camera_id=camera_id, state=AlertState.CLOSED, started_at_ms=began_ms,
        opened_at_ms=began_ms, peak_at_ms=began_ms, ended_at_ms=ended_ms, threshold=0.5, peak_score=0.9,
        profile="motion",
    )  # fmt: skip
    site.client.set(keys.alert(alert.id), alert.encode())
    site.client.zadd(keys.ALERTS_BY_TIME, {alert.id: began_ms})
    return alert.id


def put_version(site: Any, bank: Bank) -> str:
    save_bank(bank, site.settings.bank_path("cam", "motion").with_suffix("") / f"{bank.id}.safetensors")
    return bank.id


def starts(found: list[Event]) -> list[int]:
    return [round(event.started_s * 1000) for event in found]


def test_zones_leave_what_they_leave_live(remembering: Any) -> None:
    before, after = events(FrameScorer(active())), events(FrameScorer(active()), zones=True)
    assert len(before) == 2
    assert len(after) < 2
    answer = answer_to(remembering, change="zones", zones=ZONES)
    assert (answer.basis, answer.before, answer.after, answer.exact) == (Basis.MEMORY, 2, len(after), False)
    assert [event.started_at_ms for event in reversed(answer.fewer)] == starts(before)
    assert answer.frames == FRAMES
    assert "98.1 % of the time" in answer.notes[0]
    assert "differ from their live scores by 0.00 on average" in answer.notes[1]


def test_another_bank_alerts_of_what_it_alerts_of_live(remembering: Any) -> None:
    answer = answer_to(remembering, change="bank", bank_id=put_version(remembering, busy()))
    assert (answer.before, answer.after) == (2, len(events(FrameScorer(busy()))))
    assert answer.level_after == busy().threshold.rule(remembering.settings.false_alarms_per_day).on
    foreign = replace(busy(), identity=busy().identity | {"preprocessing": {"motion": {"other": True}}})
    assert asked(remembering, change="bank", bank_id=put_version(remembering, foreign)).code == "bank-mismatch"
    assert asked(remembering, change="bank", bank_id="0" * 12).code == "not-found"


def first_rush() -> Iterator[tuple[Features, ...]]:
    return (features for _, features in live()[RUSHES[0].start - 25 : RUSHES[0].stop + 25])


def test_a_correction_silences_what_it_silences_live_and_nothing_is_written(remembering: Any) -> None:
    scorer = FrameScorer(active())
    scorer.use_additions(Additions(active(), [Addition(rare_vectors(active(), first_rush()))]))
    silenced = events(scorer)
    alert_id = put_alert(remembering)
    answer = answer_to(remembering, change="correction", alert_id=alert_id)
    assert (answer.before, answer.after) == (2, len(silenced)) == (2, 0)
    assert [event.alert_id for event in answer.fewer] == [None, alert_id]
    assert not (folder(remembering) / "corrections").exists()
    assert not remembering.client.exists(keys.CORRECTIONS)
    at_its_hours = answer_to(remembering, change="correction", kind="normal_at_this_time", alert_id=alert_id)
    assert at_its_hours.after == 0, "the second rush is at the same hour"


def test_what_is_taken_back_alerts_again(remembering: Any) -> None:
    word = Correction(
        id=ID, kind=CorrectionKind.NORMAL, spans=(Span(from_ms=BEGAN_MS, until_ms=BEGAN_MS + 30_000),), by="me", at_ms=1
    )
    change_corrections(remembering.client, "cam", lambda before: before.with_one(word))
    engine = motion_engine()
    fingerprint = stretch_identity(engine.profile, engine.identity).fingerprint
    file = folder(remembering) / "corrections" / f"{ID}.addition"
    save_addition(file, rare_vectors(active(), first_rush()), fingerprint, 1)
    answer = answer_to(remembering, change="undo", correction_id=ID)
    assert (answer.before, answer.after, answer.more_count) == (0, 2, 2)
    file.write_bytes(b"damaged")
    damaged = answer_to(remembering, change="undo", correction_id=ID)
    assert (damaged.before, damaged.after) == (2, 2)
    assert asked(remembering, change="undo", correction_id="0" * 16).code == "not-found"


def stretch(kind: str, frames: range) -> dict[str, Any]:
    times = {"from": at_s(frames.start - 25), "to": at_s(frames.stop + 25)}
    return {"change": kind} | {
        name: datetime.fromtimestamp(second, UTC).isoformat(timespec="milliseconds") for name, second in times.items()
    }


def test_a_stretch_that_is_learnt_silences_what_it_silences_live(remembering: Any) -> None:
    scorer = FrameScorer(active())
    scorer.use_additions(Additions(active(), [Addition(rare_vectors(active(), first_rush()))]))
    answer = answer_to(remembering, **stretch("learn", RUSHES[0]))
    assert (answer.before, answer.after) == (2, len(events(scorer))) == (2, 0)
    nothing = asked(remembering, **stretch("learn", range(-9000, -8000)))
    assert (nothing.code, "nothing is remembered" in nothing.detail) == ("not-found", True)


def test_what_is_forgotten_alerts_again_where_nothing_else_was_like_it(remembering: Any) -> None:
    """The bank has learnt both rushes; without the one the memory still has the other, which is nearly the same,
    without both neither."""
    builder = BankBuilder(motion_engine().profile, motion_engine().streams, motion_engine().identity)
    for frame, features in live():
        moment = Moment(0, frame.at_s - at_s(0), frame.at_s)
        builder.add(frame.at_s - at_s(0), features, frame.rgb, moment=moment)
    learnt = builder.build(["memory"])
    save_bank(learnt, remembering.settings.bank_path("cam", "motion"))
    one = answer_to(remembering, **stretch("forget", RUSHES[0]))
    both = answer_to(remembering, **stretch("forget", range(RUSHES[0].start, RUSHES[1].stop)))
    assert one.before == both.before == 0
    assert both.after > 0
    assert max((event.peak_score for event in one.more), default=0.0) < 0.5 < 0.9 < both.more[0].peak_score
    assert "exemplars from this stretch" in both.notes[-1]
    none = answer_to(remembering, **stretch("forget", range(-9000, -8000)))
    assert none.after == 0
    assert "has nothing from this stretch" in none.notes[-1]


def test_what_cannot_be_known_is_said(remembering: Any) -> None:
    alert_id = put_alert(remembering, "yard")
    assert asked(remembering, change="correction", alert_id=alert_id).code == "invalid"
    assert asked(remembering, change="correction", alert_id="cam-1").code == "not-found"
    first = sorted(folder(remembering).glob("*.stretch"))[0]
    first.write_bytes(first.read_bytes()[:-9])
    answer = answer_to(remembering, change="zones", zones=[])
    assert "1 stretches that cannot be read are left out" in answer.notes
    for file in folder(remembering).glob("*.stretch"):
        file.unlink()
    nothing = asked(remembering, change="zones", zones=[])
    assert (nothing.code, "nothing is remembered" in nothing.detail) == ("not-found", True)


def test_its_time_is_bounded(remembering: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_change, "_WITHIN_S", 0.0)
    assert asked(remembering, change="zones", zones=[]).code == "not-found"
    monkeypatch.setattr(memory_change, "_WITHIN_S", 1e-3)
    answer = asked(remembering, change="zones", zones=[]).what_if
    assert answer is None or "only the newest stretches were judged, as there was no time for more" in answer.notes
