"""How far a camera's normal is known, in its status."""

from __future__ import annotations

from typing import Any

import pytest
from redis import ResponseError

from patchwatch.bus.accounting import account_from_answers
from patchwatch.contract.settings import Settings
from patchwatch.messages.anomaly_kind import AnomalyKind
from patchwatch.messages.banks.arming import ArmingState, MemoryExtent, MemoryStatus
from patchwatch.messages.cameras.analysis_status import AnalysisState, AnalysisStatus
from patchwatch.messages.cameras.camera import Camera
from service.presentation.arming import arming_of
from service.schemas.cameras.status import ArmingView
from service.store.cameras.statuses import CameraRecord

NO_BANK = {"state": AnalysisState.NO_BANK}


def arming(
    analysis: dict[str, Any] | None = None,
    memory: dict[str, Any] | None = None,
    settings: dict[str, Any] | None = None,
    **camera: Any,
) -> ArmingView:
    known = {"camera_id": "gate", "profile": "scene", "state": AnalysisState.SCORING, "updated_at_ms": 1}
    remembered = {"camera_id": "gate", "profile": "scene", "first_bank_s": 60.0}
    record = CameraRecord(
        capture=None, account=account_from_answers(None, [{}, [None, None], ResponseError("no such key")]),
        last_score=None,
        ingest_worker=None, inference_worker=None,
        analysis=None if analysis is None else AnalysisStatus.model_validate(known | analysis),
        memory=None if memory is None else MemoryStatus.model_validate(remembered | memory),
    )  # fmt: skip
    return arming_of(Camera(id="gate", profile="scene", **camera), record, Settings(**(settings or {})))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, "it learns what is normal by itself as soon as pictures arrive, and is scored after that"),
        (20.4, "it learns what is normal: seen for 20 of 60 s, scored in about 40 s"),
        (61.0, "it learns what is normal from the 61 s that it has seen, and is scored in a moment"),
    ],
)
def test_a_camera_without_a_bank_says_how_far_it_is(seconds: float, words: str) -> None:
    view = arming(NO_BANK, {"extent": MemoryExtent(seconds=seconds)})
    assert (view.state, view.text, view.remembered_s, view.first_bank_s) == (
        ArmingState.LEARNING, words, seconds, 60.0,
    )  # fmt: skip


def test_without_an_enrolment_worker_it_says_that_one_is_missing() -> None:
    assert "`patchwatch run enrolment`" in arming(NO_BANK).text


@pytest.mark.parametrize(
    "off",
    [{"self_arm": False}, {"settings": {"self_arm": False}}, {"settings": {"memory_mb": 0}}, {"enabled": False}],
)
def test_a_camera_that_does_not_learn_by_itself_is_not_learning(off: dict[str, Any]) -> None:
    view = arming(NO_BANK, {"next_step": ""}, **off)
    assert (view.state, view.text, view.by_itself, view.next_step) == (None, "", False, "")


def test_the_camera_decides_before_the_installation() -> None:
    assert arming(NO_BANK, {}, settings={"self_arm": False}, self_arm=True).state is ArmingState.LEARNING


def test_a_provisional_camera_says_for_what_it_suffices_and_for_what_not_yet() -> None:
    some = {
        "arming": ArmingState.PROVISIONAL, "armed_for": (AnomalyKind.THING,),
        "not_armed_for": (AnomalyKind.BEHAVIOUR, AnomalyKind.PLACE),
    }  # fmt: skip
    assert arming(some).text == (
        "provisional: enough for unusual things, not yet for unusual behaviour and unusual places and appearances; "
        "expect more false alarms than later"
    )
    none = some | {"armed_for": ()}
    assert arming(none).text.startswith("provisional: little is known yet of what is normal; expect more")


def test_an_armed_camera_says_when_it_learns_again_or_that_an_operator_chose() -> None:
    armed = {"arming": ArmingState.ARMED, "armed_for": (AnomalyKind.PLACE,)}
    view = arming(armed, {"next_step": "it learns again every week"})
    assert (view.state, view.text, view.next_step) == (ArmingState.ARMED, "armed", "it learns again every week")
    chosen = arming(armed, {"next_step": "it learns again every week", "chosen": "0a1b2c3d4e5f"})
    assert chosen.next_step.endswith("because an operator activated bank 0a1b2c3d4e5f")


def test_an_armed_camera_says_what_it_still_learns() -> None:
    learning = {"arming": ArmingState.ARMED, "not_armed_for": (AnomalyKind.PLACE,)}
    assert arming(learning).text == "armed; it still learns what is normal for unusual places and appearances"


def test_what_is_remembered_for_another_profile_does_not_count() -> None:
    view = arming(NO_BANK, {"profile": "motion", "extent": MemoryExtent(seconds=50.0)})
    assert view.remembered_s == 0.0


def test_records_of_earlier_versions_state_nothing() -> None:
    assert arming({}).state is None


@pytest.mark.parametrize(("within", "held"), [(20.0, True), (128.5, False), (0.0, False)])
def test_a_camera_that_would_ring_too_often_says_that_nobody_is_notified(within: float, held: bool) -> None:
    threshold = {
        "false_alarms_per_day": 4.0, "on": 0.5, "off": 0.4, "on_low": 0.4, "on_high": 0.6, "expected": 514.0,
        "expected_low": 60.0, "expected_high": 1500.0, "footage_hours": 0.02, "extrapolation": 300.0,
        "supported": True, "provisional": True,
    }  # fmt: skip
    view = arming(
        {"arming": ArmingState.PROVISIONAL, "threshold": threshold}, settings={"notify_within_budgets": within}
    )
    assert (view.page_only, "nobody is notified of them" in view.text) == (held, held)
    armed = arming({"arming": ArmingState.ARMED, "threshold": threshold | {"provisional": False}})
    assert not armed.page_only, "an operator chose that bank"
