"""The bank that a camera is scored with: loaded, replaced and left, with a status that gives the reason if none is."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from models.alarms.alarm_threshold import Threshold
from models.alarms.event_detector import Event, EventRule
from models.banks.bank import Bank
from models.banks.bank_file import check_identity, load_bank
from models.engine.engine import Engine
from models.engine.frame_scorer import FrameScorer
from models.frames.frame import CameraContext
from models.frames.stored_numbers import UNREADABLE
from models.frames.view import ViewMask
from models.tampering.expectation import Expectation
from patchwatch.bus.clock import BusClock
from patchwatch.contract.errors import NotFoundError, PatchwatchError, WeightsMissingError
from patchwatch.contract.settings import Settings
from patchwatch.messages.banks.arming import ArmingState
from patchwatch.messages.banks.threshold import AlarmThreshold
from patchwatch.messages.cameras.analysis_status import AnalysisState, AnalysisStatus, CorrectionsInForce
from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.cameras.shadow import BankShadow
from workers.analysis.alarm_rule import budget_of, is_provisional
from workers.analysis.anomaly_kinds import armed_kinds, streams_of
from workers.analysis.bank_report import contexts_of
from workers.analysis.threshold_message import curve_of, to_message
from workers.analysis.zone_view import view_of
from workers.inference.alerts import AnomalyAlert, ConditionAlerts
from workers.inference.engine_cache import EngineCache
from workers.inference.shadow.shadow_bank import ShadowBank

_OTHER_ZONES = (
    "its zones are others than when the bank was learnt, so what belongs to a place is judged only where both agree: "
    "enrol again to judge the rest"
)
_LEARNS = "it learns what is normal by itself, from what it sees, and is scored after that"
_CONTEXT_LASTS_MS = 10_000
log = logging.getLogger(__name__)


class CameraBank:
    """Follows the bank file of one camera. ``scorer`` is None while the camera cannot be scored; ``status`` says why.

    ``loading``: the networks are not loaded yet. Until then the camera's frames stay in the queue, so that a slow start
    loses no frame of a file. ``learner``: the engine to learn the camera's normal with, where there is no scorer and it
    shall learn by itself. ``context``: what the engine's streams remember of the camera. ``stored_scorer``: the
    state of the scorer before a restart, until there is a bank to restore it with. ``shadow``: another bank that is
    scored beside it for a time, if there is one; ``stored_shadow``: its state before a restart.
    """

    def __init__(
        self, camera: Camera, anomaly: AnomalyAlert, conditions: ConditionAlerts, clock: BusClock | None = None
    ) -> None:
        self.engine: Engine | None = None
        self.scorer: FrameScorer | None = None
        self.learner: Engine | None = None
        self.context = CameraContext(mask=ViewMask(view_of(camera.zones)))
        self.status: AnalysisStatus | None = None
        self.loading = True
        self.stored_scorer: dict[str, Any] | None = None
        self.shadow: ShadowBank | None = None
        self.stored_shadow: dict[str, Any] | None = None
        self._camera = camera
        self._anomaly = anomaly
        self._conditions = conditions
        self._conditions.use(self.context.mask)
        self._clock = clock or BusClock()
        self._mtime_ns: int | None = None
        self._false_alarms_per_day = 0.0  # the budget of the scorer's rule
        self._allotted = False  # that one was not the camera's own
        self._corrections: CorrectionsInForce | None = None
        self._corrections_fault: str | None = None
        self._self_arms = False  # its levels are provisional while little is known
        self._notify_within_budgets = 0.0
        self._context: tuple[str | None, int] = None, 0  # that the last frame showed, and since when (Unix time, ms)

    @property
    def loaded(self) -> Bank | None:
        return self.scorer.bank if self.scorer else None

    def refresh(self, settings: Settings, engines: EngineCache) -> list[Event]:
        """Load the camera's bank when it is new or has changed; returns the events that this closes.

        Never raises for a bad bank or missing weights: the status says why nothing is scored.
        """
        self._notify_within_budgets = settings.notify_within_budgets
        path = settings.bank_path(self._camera.id, self._camera.profile)
        mtime_ns = _mtime_ns(path)
        budget = self._budget(settings)
        if mtime_ns == self._mtime_ns and self.scorer is not None:
            self._follow_budget(self.scorer, budget, self._camera.self_arms(settings.self_arm))
            self.scorer.mute(streams_of(self._camera.muted))
            if self.shadow is not None or self._camera.shadow is not None:
                self._follow_shadow(settings, self.scorer)
            return []
        try:
            engine = engines.get(self._camera.profile)
            if engine is None:
                self._set_status(
                    AnalysisState.LOADING,
                    f"scores follow as soon as the networks of profile {self._camera.profile} are loaded",
                )
                return []
            self.learner = engine if self._camera.self_arms(settings.self_arm) else None
            bank = load_bank(path)
            check_identity(bank, engine.profile, engine.identity, where=f"bank {bank.id} of {self._camera.id}")
        except NotFoundError as error:
            learns = self.learner is not None and settings.memory_mb > 0
            return self.reject(NotFoundError(_LEARNS) if learns else error)
        except PatchwatchError as error:
            return self.reject(error)
        self._mtime_ns, self._false_alarms_per_day = mtime_ns, budget
        self._self_arms = self._camera.self_arms(settings.self_arm)
        closed = self.use(engine, bank)
        if self.scorer is not None and self._camera.shadow is not None:
            self._follow_shadow(settings, self.scorer)
        return closed

    def _follow_shadow(self, settings: Settings, scorer: FrameScorer) -> None:
        """Load the bank that is to be scored beside the active one, or end that; with the camera's present budget."""
        wanted, shadow = self._camera.shadow, self.shadow
        if wanted is None or self._clock.now_ms() >= wanted.until_ms:
            self.shadow = self.stored_shadow = None
            return
        if shadow is None or shadow.wanted != wanted:
            shadow = self.shadow = self._load_shadow(settings, wanted, scorer)
        if shadow.scorer is None:
            return
        bank = shadow.scorer.bank
        shadow.end_unless_possible(scorer.bank)
        shadow.follow(self._rule_of(bank), streams_of(self._camera.muted), self._threshold_of(bank).provisional)

    def _load_shadow(self, settings: Settings, wanted: BankShadow, scorer: FrameScorer) -> ShadowBank:
        active_path = settings.bank_path(self._camera.id, self._camera.profile)
        if self.engine is None:
            raise RuntimeError("a camera with a scorer has an engine")
        shadow = ShadowBank.load(wanted, active_path, scorer.bank, self.engine, self._anomaly.wall_ms)
        if self.stored_shadow is not None:
            shadow.restore(self.stored_shadow)
            self.stored_shadow = None
        return shadow

    def _budget(self, settings: Settings) -> float:
        """The alarm budget in force. While an event is open, another allotment of the site's budget waits: the event
        would end at another level than it began at, and what belongs to it would open a second one."""
        camera, scorer = self._camera, self.scorer
        if camera.false_alarms_per_day is None and self._allotted and scorer is not None and scorer.open_event:
            return self._false_alarms_per_day
        self._allotted = camera.false_alarms_per_day is None
        return budget_of(camera, settings)

    def _follow_budget(self, scorer: FrameScorer, false_alarms_per_day: float, self_arms: bool) -> None:
        """Another alarm budget means another threshold of the same bank. An open event goes on under it."""
        if (false_alarms_per_day, self_arms) != (self._false_alarms_per_day, self._self_arms):
            self._false_alarms_per_day, self._self_arms = false_alarms_per_day, self_arms
            scorer.use_rule(self._rule_of(scorer.bank))
            self._set_scoring()

    def _rule_of(self, bank: Bank) -> EventRule:
        return bank.threshold.rule(self._false_alarms_per_day, provisional=is_provisional(bank, self._self_arms))

    def reject(self, error: PatchwatchError) -> list[Event]:
        """Score nothing, for this reason; returns the events that this closes."""
        state = AnalysisState.BANK_REJECTED
        if isinstance(error, NotFoundError):
            state = AnalysisState.NO_BANK
        elif isinstance(error, WeightsMissingError):
            state = AnalysisState.WEIGHTS_MISSING
        closed = self._unload()
        self._set_status(state, str(error))
        return closed

    def _unload(self) -> list[Event]:
        closed = self.finish()
        self.scorer = self.shadow = None
        self._conditions.expect_nothing()
        return closed

    def use(self, engine: Engine, bank: Bank) -> list[Event]:
        """Score with this bank from now on; returns the events that this closes."""
        previous = self.scorer.state() if self.scorer else self.stored_scorer
        rule = self._rule_of(bank)
        self.engine, self.scorer, self.stored_scorer = engine, FrameScorer(bank, rule), None
        self.learner = None
        self.scorer.mute(streams_of(self._camera.muted))
        self.context = self.context.renewed()
        self._use_zones(bank)
        try:
            if previous:
                self.scorer.restore(previous)
        except UNREADABLE as error:
            log.warning("%s: smoothing restarts, its stored state is unreadable (%r)", self._camera.id, error)
            self.scorer = FrameScorer(bank, rule)
        self._set_scoring()
        if self.scorer.open_event is None:
            return self._anomaly.events_without_scorer()
        of_this_profile = self._anomaly.open is None or self._anomaly.open.profile == self._camera.profile
        return [] if of_this_profile else self.scorer.finish()

    def _use_zones(self, bank: Bank) -> None:
        mask = ViewMask(view_of(self._camera.zones), bank.view)
        self.context.mask = mask
        self._conditions.use(mask)
        self._conditions.expect(bank.id, Expectation(bank.moments.thumbnails, mask))

    def finish(self) -> list[Event]:
        """No more frames for now: closes the open event, even one from before a restart."""
        if self.scorer:
            return self.scorer.finish()
        self.stored_scorer = None
        return self._anomaly.events_without_scorer()

    def reconfigure(self, camera: Camera) -> list[Event]:
        """Adopt a changed configuration. Another profile means another bank, and closes the open event."""
        profile_changed, zones_changed = camera.profile != self._camera.profile, camera.zones != self._camera.zones
        self._camera = camera
        if zones_changed and self.loaded is not None:
            self._use_zones(self.loaded)
            self._set_scoring()
        elif zones_changed:
            self.context.mask = ViewMask(view_of(camera.zones))
            self._conditions.use(self.context.mask)
        if not profile_changed:
            return []
        closed = self._unload()
        self.engine = self.learner = self.status = self.stored_scorer = self._mtime_ns = None
        self.loading = True
        return closed

    def update_condition(self) -> None:
        """Put into the status the condition that keeps anomaly alerts from opening, if there is one, and whether this
        machine keeps up."""
        condition, overloaded = self._conditions.blocking, self._conditions.overloaded
        if self.status is not None and (self.status.condition, self.status.overloaded) != (condition, overloaded):
            changes = {"condition": condition, "overloaded": overloaded, "updated_at_ms": self._clock.now_ms()}
            self.status = self.status.model_copy(update=changes)

    def update_context(self) -> None:
        """Put into the status the context that the picture has shown for a while, if it shows any."""
        now_ms, shown = self._clock.now_ms(), self.scorer.context if self.scorer else None
        if shown != self._context[0]:
            self._context = shown, now_ms
        lasts = now_ms - self._context[1] >= _CONTEXT_LASTS_MS
        if self.status is not None and self.status.context != shown and lasts:
            self.status = self.status.model_copy(update={"context": shown, "updated_at_ms": now_ms})

    def add_thresholds(self) -> bool:
        """Put the thresholds of other budgets into the status, which take longer than all else of loading a bank and
        are only looked at; returns whether they were not there."""
        bank = self.loaded
        if bank is None or self.status is None or self.status.thresholds:
            return False
        changes = {"thresholds": curve_of(bank.threshold), "updated_at_ms": self._clock.now_ms()}
        self.status = self.status.model_copy(update=changes)
        return True

    def note_corrections(self, corrections: CorrectionsInForce | None) -> bool:
        """Put into the status which corrections count; returns whether that is new."""
        if corrections == self._corrections:
            return False
        self._corrections = corrections
        if self.status is not None:
            changes = {"corrections": corrections, "updated_at_ms": self._clock.now_ms()}
            self.status = self.status.model_copy(update=changes)
        return True

    def note_corrections_fault(self, fault: str | None) -> None:
        """Put into the status why what operators said cannot be read; None where it can."""
        if fault == self._corrections_fault:
            return
        self._corrections_fault = fault
        if self.status is not None:
            changes = {"corrections_fault": fault, "updated_at_ms": self._clock.now_ms()}
            self.status = self.status.model_copy(update=changes)

    def _set_scoring(self) -> None:
        self._set_status(AnalysisState.SCORING, "" if self.context.mask.as_learnt else _OTHER_ZONES)

    def _threshold_of(self, bank: Bank) -> Threshold:
        return bank.threshold.at(self._false_alarms_per_day, provisional=is_provisional(bank, self._self_arms))

    def _set_status(self, state: AnalysisState, detail: str) -> None:
        self.loading = state is AnalysisState.LOADING
        bank, previous = self.loaded, self.status
        threshold = to_message(self._threshold_of(bank)) if bank else None
        self._anomaly.provisional = threshold is not None and threshold.provisional
        self._anomaly.page_only = threshold is not None and threshold.is_page_only(self._notify_within_budgets)
        facts = (state, detail, bank.id if bank else None, threshold)
        if previous and (previous.state, previous.detail, previous.bank_id, previous.threshold) == facts:
            return
        known = _facts_of(bank, threshold, previous) if bank and threshold else {}
        self.status = AnalysisStatus(
            camera_id=self._camera.id,
            state=state,
            detail=detail,
            profile=self._camera.profile,
            device=self.engine.device if self.engine else "cpu",
            corrections=self._corrections,
            corrections_fault=self._corrections_fault,
            updated_at_ms=self._clock.now_ms(),
            **known,
        )


def _facts_of(bank: Bank, threshold: AlarmThreshold, previous: AnalysisStatus | None) -> dict[str, Any]:
    """Fields of a status: what scores the camera, and what for."""
    armed = armed_kinds(bank)
    return {
        "streams": tuple(spec.name for spec in bank.profile.streams),
        "bank_id": bank.id,
        "bank_created_at": bank.created_at,
        "random_weights": bank.random_weights,
        "contexts": contexts_of(bank),
        "context": previous.context if previous and previous.bank_id == bank.id else None,
        "thresholds": previous.thresholds if previous and previous.bank_id == bank.id else (),
        "arming": ArmingState.PROVISIONAL if threshold.provisional else ArmingState.ARMED,
        "armed_for": tuple(kind for kind, known in armed.items() if known),
        "not_armed_for": tuple(kind for kind, known in armed.items() if not known),
        "threshold_on": threshold.on,
        "threshold_off": threshold.off,
        "threshold": threshold,
    }


def _mtime_ns(path: Path) -> int | None:
    try:
        return path.stat().st_mtime_ns
    except OSError:  # there is no file, or reading it will say what is wrong
        return None
