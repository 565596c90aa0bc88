"""A bank in the shadow raises the alerts that it would raise if it were active, and nobody hears of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from moving_scene import FPS, scene

from models.banks.bank import Bank
from models.banks.bank_builder import BankBuilder
from models.banks.bank_file import save_bank
from models.engine.engine import Engine
from models.frames.frame import CameraContext, Frame
from models.frames.view import View
from models.profiles.profile import load_profile
from patchwatch.bus import keys
from patchwatch.messages.alerts.alert import Alert
from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.cameras.shadow import BankShadow, ShadowStatus
from patchwatch.messages.frames.score import Score

Run = Callable[..., Any]
RUSHES = {*range(40, 46), *range(90, 93)}
FRAMES = 135
RESTART_AT = 43
FOR_EVER_MS = 4_000_000_000_000


@pytest.fixture(scope="module")
def other() -> Bank:
    """Learnt from 30 s of the slow scene, so that its threshold is another one."""
    engine = Engine(load_profile("motion"))
    builder, view = BankBuilder(engine.profile, engine.streams, engine.identity), CameraContext()
    frames = [Frame(scene(n / FPS), n / FPS) for n in range(30 * FPS)]
    for frame, features in zip(frames, engine.extract(frames, [view] * len(frames)), strict=True):
        builder.add(frame.at_s, features, frame.rgb)
    return builder.build(["half a minute"])


def put_version(queue: Any, bank: Bank) -> Path:
    path: Path = queue.settings.bank_path("cam", "motion").with_suffix("") / f"{bank.id}.safetensors"
    save_bank(bank, path)
    return path


def shadow_of(bank: Bank, until_ms: int = FOR_EVER_MS) -> BankShadow:
    return BankShadow(bank_id=bank.id, since_ms=1, until_ms=until_ms)


def run(queue: Any, run_worker: Run, until: Run) -> None:
    """All frames, over a restart of the worker in the middle of an event."""
    for frames in (range(RESTART_AT), range(RESTART_AT, FRAMES)):
        for n in frames:
            queue.frame(n, rush=n in RUSHES)
        with run_worker(queue.settings):
            until(lambda last=frames[-1]: queue.scored() == last + 1)


def told(queue: Any, stream: str) -> list[Alert]:
    return [Alert.decode(fields[b"a"]) for _, fields in queue.client.xrange(stream)]


def status(queue: Any) -> ShadowStatus | None:
    record = queue.client.hget(queue.keys.state, "shadow")
    return ShadowStatus.decode(record) if record else None


def test_its_list_is_that_of_the_alerts_it_raises_once_it_is_active(
    enrolled: Any, other: Bank, run_worker: Run, until: Run
) -> None:
    put_version(enrolled, other)
    enrolled.add_camera(shadow=shadow_of(other))
    run(enrolled, run_worker, until)
    shadowed, raised = told(enrolled, enrolled.keys.shadow), told(enrolled, keys.ALERTS)
    said = status(enrolled)
    assert said is not None
    assert (said.frames, said.failed, said.refused) == (FRAMES, 0, "")
    assert said.ms_per_frame is not None
    scores = [Score.decode(fields).score for _, fields in enrolled.client.xrange(enrolled.keys.scores)]
    enrolled.client.flushdb()
    save_bank(other, enrolled.settings.bank_path("cam", "motion"))
    enrolled.add_camera()
    run(enrolled, run_worker, until)
    assert shadowed
    assert shadowed == told(enrolled, keys.ALERTS)
    assert {alert.bank_id for alert in shadowed} == {other.id}
    assert {alert.bank_id for alert in raised}.isdisjoint({other.id}), "nobody hears of it"
    assert status(enrolled) is None
    assert not enrolled.client.exists(enrolled.keys.shadow)
    assert scores != [Score.decode(fields).score for _, fields in enrolled.client.xrange(enrolled.keys.scores)]


def seen(queue: Any, run_worker: Run, until: Run) -> ShadowStatus | None:
    for n in range(3):
        queue.frame(n)
    with run_worker(queue.settings):
        until(lambda: queue.scored() == 3)
    return status(queue)


def test_a_bank_that_cannot_be_scored_beside_the_active_one_is_refused(
    enrolled: Any, bank: Bank, other: Bank, run_worker: Run, until: Run
) -> None:
    view = View(ignored=(((0.0, 0.0), (0.5, 0.0), (0.5, 0.5)),))
    others = {
        "zones": replace(other, view=view),
        "learnt with": replace(other, identity=other.identity | {"preprocessing": {"motion": {"other": True}}}),
        "active bank": bank,
    }
    for words, unfit in others.items():
        put_version(enrolled, unfit)
        enrolled.add_camera(shadow=shadow_of(unfit))
        said = seen(enrolled, run_worker, until)
        assert said is not None
        assert words in said.refused
        enrolled.client.flushdb()
    enrolled.add_camera(shadow=BankShadow(bank_id="0" * 12, since_ms=1, until_ms=FOR_EVER_MS))
    said = seen(enrolled, run_worker, until)
    assert said is not None
    assert said.refused == "it has been removed"


def test_it_ends_when_its_time_is_over_and_when_its_bank_is_removed(
    enrolled: Any, other: Bank, run_worker: Run, until: Run
) -> None:
    path = put_version(enrolled, other)
    enrolled.add_camera(shadow=shadow_of(other))
    with run_worker(enrolled.settings):
        enrolled.frame(0)
        until(lambda: (said := status(enrolled)) and said.frames == 1)
        path.unlink()
        until_refused(enrolled, until)
    enrolled.client.flushdb()
    put_version(enrolled, other)
    enrolled.add_camera(shadow=shadow_of(other, until_ms=time.time_ns() // 1_000_000 - 1))
    assert seen(enrolled, run_worker, until) is None


def until_refused(queue: Any, until: Run) -> None:
    numbers = iter(range(1, 1000))

    def refused() -> bool:
        queue.frame(next(numbers))
        said = status(queue)
        return said is not None and said.refused == "it has been removed"

    until(refused)


def test_a_fault_of_it_costs_nothing(
    enrolled: Any, other: Bank, run_worker: Run, until: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.inference.shadow.shadow_bank._MOST_FAILURES", 2)
    broken = tuple(replace(stream, vectors=np.full_like(stream.vectors, np.nan)) for stream in other.streams)
    faulty = replace(other, streams=broken)
    put_version(enrolled, faulty)
    enrolled.add_camera(shadow=shadow_of(faulty))
    said = seen(enrolled, run_worker, until)
    assert enrolled.counters() == {"scored": 3}
    assert said is not None
    assert (said.frames, said.failed, "could not be scored" in said.refused) == (1, 2, True), "the first has no motion"


def test_a_camera_without_a_shadow_is_written_and_read_as_before() -> None:
    assert b"shadow" not in Camera(id="cam").encode()
    changed = Camera(id="cam", shadow=BankShadow(bank_id="0" * 12, since_ms=1, until_ms=2))
    assert changed.captures_like(Camera(id="cam")), "no capture restarts"
    assert "shadow" not in changed.public()
