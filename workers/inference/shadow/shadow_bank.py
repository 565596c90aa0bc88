"""One bank in the shadow of a camera's active one. Nothing that happens here changes a score or an alert."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from models.alarms.event_detector import AlertGate, Event, EventRule
from models.banks.bank import Bank
from models.banks.bank_file import check_identity, load_bank
from models.engine.engine import Engine
from models.engine.frame_scorer import FrameScorer
from models.frames.frame import Features, Frame
from models.frames.stored_numbers import UNREADABLE
from models.profiles.profile import StreamKind
from patchwatch.contract.bounds import counted
from patchwatch.contract.errors import BankMismatchError, NotFoundError, PatchwatchError
from patchwatch.messages.alerts.alert import Alert
from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.cameras.shadow import BankShadow, ShadowStatus
from workers.inference.alerts import AnomalyAlert, WallClock

_MOST_FAILURES = 100  # then it is given up
log = logging.getLogger(__name__)


@dataclass
class ShadowBank:
    """Loaded when it is asked for, with a reason in ``refused`` where it cannot be scored.

    ``scorer``: None once it is refused. ``anomaly``: its open alert.
    """

    wanted: BankShadow
    path: Path
    anomaly: AnomalyAlert
    scorer: FrameScorer | None = None
    refused: str = ""
    frames: int = 0
    failed: int = 0
    seconds: float = field(default=0.0, repr=False)  # spent on it by this worker
    timed: int = field(default=0, repr=False)  # frames of these seconds

    @classmethod
    def load(
        cls, wanted: BankShadow, active_path: Path, active: Bank, engine: Engine, wall_ms: WallClock
    ) -> ShadowBank:
        """``active_path``: the file of the active bank; its versions lie in a folder beside it. Never raises for a bad
        bank: ``refused`` says why it is not scored."""
        path = active_path.with_suffix("") / f"{wanted.bank_id}{active_path.suffix}"
        made = cls(wanted, path, AnomalyAlert(wall_ms=wall_ms, silent=True))
        try:
            made.scorer = FrameScorer(_loaded(path, active, engine))
        except PatchwatchError as error:
            made.refused = str(error)
            log.warning("bank %s in the shadow: %s", wanted.bank_id, error)
        return made

    def follow(self, rule: EventRule, muted: frozenset[StreamKind], provisional: bool) -> None:
        """From now on, with the camera's present budget and muting."""
        if self.scorer is not None:
            self.scorer.use_rule(rule)
            self.scorer.mute(muted)
            self.anomaly.provisional = provisional

    def end_unless_possible(self, active: Bank) -> None:
        """Score no more once the bank is removed or active, or others parts of the picture count for the active one."""
        bank = self.scorer.bank if self.scorer else None
        if bank is not None and not self.path.is_file():
            self.end("it has been removed")
        elif bank is not None and (reason := _unfit(bank, active)):
            self.end(reason)

    def end(self, reason: str) -> None:
        """Score no more."""
        if not self.refused:
            log.info("bank %s is not in the shadow any more: %s", self.wanted.bank_id, reason)
        self.scorer, self.refused = None, reason

    def score(
        self, features: Sequence[Features], frame: Frame, gate: AlertGate
    ) -> tuple[FrameScorer | None, Sequence[Event]]:
        """The changes of its events with one frame of the camera, and the scorer that they are of."""
        scorer = self.scorer
        if scorer is None:
            return None, ()
        began_s = time.perf_counter()
        try:
            changes = scorer.score(features, frame.at_s, gate, discontinuity=frame.discontinuity).changes
        except Exception as error:  # noqa: BLE001 (border: whatever is wrong here, the active bank scores on)
            self._fail(error)
            return scorer, ()
        self.frames += 1
        self.timed += 1
        self.seconds += time.perf_counter() - began_s
        return scorer, changes

    def _fail(self, error: Exception) -> None:
        self.failed += 1
        if self.failed >= _MOST_FAILURES:
            self.end(f"{self.failed} frames could not be scored with it, the last one because of {error!r}")

    @property
    def status(self) -> ShadowStatus:
        return ShadowStatus(
            bank_id=self.wanted.bank_id, since_ms=self.wanted.since_ms, refused=self.refused, frames=self.frames,
            failed=self.failed, ms_per_frame=1000 * self.seconds / self.timed if self.timed else None,
        )  # fmt: skip

    def state(self) -> dict[str, Any]:
        """JSON values that `restore` takes."""
        return {
            "wanted": self.wanted.model_dump(),
            "scorer": self.scorer.state() if self.scorer else None,
            "alert": self.anomaly.open.model_dump(mode="json") if self.anomaly.open else None,
            "told_peak": self.anomaly.announced_peak,
            "frames": self.frames,
            "failed": self.failed,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a stored state; from the beginning where it is of another shadow, or cannot be read."""
        try:
            if BankShadow.model_validate(state["wanted"]) != self.wanted or self.scorer is None:
                return
            alert = state["alert"]
            self.anomaly.open = None if alert is None else Alert.model_validate(alert)
            self.anomaly.announced_peak = float(state["told_peak"])
            self.frames, self.failed = (counted(str(state[name]).encode()) for name in ("frames", "failed"))
            self.scorer.restore(state["scorer"])
        except UNREADABLE as error:
            log.warning("bank %s in the shadow begins again, its state is unreadable (%r)", self.wanted.bank_id, error)
            self.scorer, self.anomaly.open = FrameScorer(self.scorer.bank) if self.scorer else None, None


def shadow_alert(
    shadow: ShadowBank, scorer: FrameScorer, camera: Camera, event: Event, region: Any, zones: tuple[str, ...]
) -> Alert | None:
    """The alert that the bank would have raised or changed; None for a change that nobody would have been told of."""
    alert, announce = shadow.anomaly.update(camera, scorer, event, region, zones)
    return alert if announce else None


def _loaded(path: Path, active: Bank, engine: Engine) -> Bank:
    try:
        bank = load_bank(path)
    except NotFoundError:
        raise NotFoundError("it has been removed") from None
    check_identity(bank, engine.profile, engine.identity, where=f"bank {bank.id}")
    if reason := _unfit(bank, active):
        raise BankMismatchError(reason)
    return bank


def _unfit(bank: Bank, active: Bank) -> str:
    """Why a bank cannot be scored beside the active one; empty where it can."""
    if bank.id == active.id:
        return "it is the active bank: its alerts are those of the camera"
    if not bank.view.counts_like(active.view):
        return (
            "it was learnt with other zones than the active bank, so the same features do not serve both: try it with "
            "`patchwatch cameras what-if CAMERA --bank BANK`, or activate it"
        )
    return ""
