"""One camera as the product runs it, at the pace of the simulation: scored, remembered, learnt from, by its classes.

What is left out is Redis and the processes: results are taken from the scorer's batches, and a bank is learnt as soon
as the schedule says so, within this process.
"""

from __future__ import annotations

import secrets
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.weeks.impression import Impression
from bench.weeks.shared_engine import LoadedEngines
from models.alarms.event_detector import EventRule
from models.banks.bank import Bank
from models.banks.bank_file import load_bank, save_bank
from models.memory.lasting_change import LastingChange, find_change, may_last
from models.memory.store import MemoryStore
from models.profiles.profile import load_profile
from patchwatch.bus.keys import CameraKeys
from patchwatch.contract.errors import ConflictError, InsufficientFootageError
from patchwatch.contract.settings import Settings
from patchwatch.messages.alerts.alert import Alert, AlertChange
from patchwatch.messages.banks.arming import ArmingState, MemoryExtent
from patchwatch.messages.banks.bank_version import BankOrigin
from patchwatch.messages.banks.enrolment import Enrolment, EnrolmentState
from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.cameras.correction import CameraCorrections
from patchwatch.messages.frames.frame import FrameMessage
from workers.analysis.memory_learner import extent_of, learn_from_memory, unlike_s
from workers.enrolment.banks.bank_store import SOFTWARE, store_bank
from workers.enrolment.banks.bank_versions import BankVersions
from workers.enrolment.lasting.admission import admitted, judged_ms, without_outdated
from workers.enrolment.lasting.words import in_short
from workers.enrolment.schedule import decide
from workers.enrolment.self_arming import last_attempt
from workers.inference.camera_state import CameraState
from workers.inference.commit import CommitBatch
from workers.inference.queue_reader import FrameAge, QueuedFrame
from workers.inference.recording.normal_recorder import NormalRecorder
from workers.inference.scoring import Scorer, close_events

_SETTLED_WITHIN_S = 120.0
_NO_LEASE = b""


@dataclass
class Cost:
    """Processor seconds: of frames from JPEG to score and memory, and of learning."""

    frames_s: float = 0.0
    learning_s: float = 0.0


@dataclass
class SimulatedCamera:
    """``learns``: it learns by itself; if not, it stays with the bank that it is given. ``alerts``: by id, as they were
    last. ``raised_ms``: when people were told of a higher peak of an alert, by id. ``scored``: frames by state of
    arming."""

    settings: Settings
    engines: LoadedEngines
    camera: Camera
    learns: bool = True
    alerts: dict[str, Alert] = field(default_factory=dict)
    raised_ms: dict[str, list[int]] = field(default_factory=dict)
    scored: Counter[str] = field(default_factory=Counter)
    armed_at_ms: dict[str, int] = field(default_factory=dict)
    banks: list[str] = field(default_factory=list)  # what became of each bank that was learnt, for people
    cost: Cost = field(default_factory=Cost)
    changes: list[str] = field(default_factory=list)  # lasting changes of the scene that were learnt, for people
    impressions: list[Impression] = field(default_factory=list)  # one a visit

    def __post_init__(self) -> None:
        keys = CameraKeys.for_camera(self.camera.id, self.settings.partitions)
        self.state = CameraState(self.camera, keys, _NO_LEASE)
        self._recorder = NormalRecorder(self.settings) if self.learns else None
        self._scorer = Scorer(FrameAge(None, max_age_s=self.settings.max_age_s), self._recorder)
        self.memory = MemoryStore(
            self.settings.memory_path(self.camera.id, self.camera.profile), self.settings.memory_mb
        )
        self._versions = BankVersions.from_settings(self.settings, self.camera.id, self.camera.profile)
        self._failed: list[Enrolment] = []
        self.record = CameraCorrections(camera_id=self.camera.id)
        self._shown_since_ms: int | None = None  # the alert about a lasting change that is open
        self._follow_bank()

    def begin_visit(self) -> None:
        """What is shown from now on is another visit."""
        threshold = self.state.bank.status.threshold if self.state.bank.status else None
        stated = (threshold.expected_low, threshold.expected, threshold.expected_high) if threshold else None
        self.impressions.append(Impression(stated=stated))

    def show(self, message: FrameMessage) -> None:
        """Take the camera's next frame."""
        began_s = time.process_time()
        for state, batch in self._scorer.score([QueuedFrame(self.state, message.seq, message)]).values():
            self._take(state, batch)
            if state.bank.scorer is not None:
                self._look_at(batch, state.bank.scorer.rule.on)
        self.cost.frames_s += time.process_time() - began_s
        arming = self.state.bank.status.arming if self.state.bank.status else None
        self._note(arming or ArmingState.LEARNING, message.captured_at_ns // 1_000_000)

    def _look_at(self, batch: CommitBatch, level: float) -> None:
        for _, score in batch.scores:
            self.impressions[-1].take(score, level)

    def _note(self, arming: ArmingState, at_ms: int) -> None:
        self.scored[arming.value] += 1
        self.armed_at_ms.setdefault(arming.value, at_ms)

    def _take(self, state: CameraState, batch: CommitBatch) -> None:
        for update in batch.alerts:
            if update.announce and update.alert.change is AlertChange.UPDATE:
                self.raised_ms.setdefault(update.alert.id, []).append(update.alert.peak_at_ms)
            self.alerts[update.alert.id] = update.alert

    def settle(self, *, pausing: bool = False) -> None:
        """Wait until what was seen is remembered."""
        if self._recorder is not None and not self._recorder.settle(_SETTLED_WITHIN_S, pausing=pausing):
            raise TimeoutError("the memory was not written in time: is the disk full?")

    def pause(self) -> None:
        """No frames for a while: what is open closes, as the worker has it."""
        self._close()
        self.settle(pausing=True)

    def _close(self) -> None:
        batch = CommitBatch()
        close_events(self.state, self.state.bank.finish(), batch)
        self._take(self.state, batch)
        self.alerts |= {alert.id: alert for alert in self.state.conditions.finish_picture()}

    def learn_if_due(self) -> None:
        """As `workers.enrolment.self_arming` decides, and `workers.enrolment.job` does."""
        began_s = time.process_time()
        infos = self.memory.infos()
        extent = extent_of(infos)
        last = last_attempt(self._failed, self._versions.all())
        unlike = unlike_s(infos, last.extent.until_ms) if last else 0.0
        if decide(extent, last, self.settings.self_arm_after_s, unlike).due:
            self._learn(self, extent, BankOrigin(by="learnt by itself", by_itself=True, memory=extent))
        self.cost.learning_s += time.process_time() - began_s

    def follow_lasting_change(self, now_ms: int) -> None:
        """As `workers.enrolment.lasting.watch` does: what has lasted, and was shown, is learnt at once."""
        began_s = time.process_time()
        bank, scorer = self.state.bank.loaded, self.state.bank.scorer
        if bank is not None and scorer is not None:
            self._look_for_change(bank, scorer.rule, now_ms)
        self.cost.learning_s += time.process_time() - began_s

    def _look_for_change(self, bank: Bank, rule: EventRule, now_ms: int) -> None:
        infos, after_ms = self.memory.infos(), judged_ms(self.record)
        if not may_last(infos, rule, after_ms):
            self._shown_since_ms = None
            return
        rejected = [(span.from_ms, span.until_ms) for span in self.record.rejected_spans()]
        change = find_change(bank, rule, infos, self.memory.read, rejected, after_ms=after_ms)
        if change is None:
            return
        shown_since_ms = self._shown_since_ms = self._shown_since_ms or now_ms
        if change.has_lasted(now_ms - shown_since_ms):
            self._shown_since_ms = None
            self._admit(change, now_ms)

    def _admit(self, change: LastingChange, now_ms: int) -> None:
        known = without_outdated(self.record, now_ms)
        about = [
            alert.id for alert in in_order(self.alerts)
            if alert.started_at_ms <= change.until_ms and (alert.ended_at_ms or now_ms) >= change.since_ms
        ]  # fmt: skip
        try:
            self.record = admitted(known, change, in_short(change), about, secrets.token_hex(8), now_ms)
        except ConflictError as error:
            self.changes.append(str(error))
            return
        lasted_h = change.lasted_ms / 3_600_000
        day = time.strftime("%a %H:%M", time.gmtime(now_ms / 1000))
        self.changes.append(f"{day}: {in_short(change)} ({lasted_h:.1f} h)")
        extent = extent_of(self.memory.infos())
        self._learn(self, extent, BankOrigin(by="learnt by itself", by_itself=True, memory=extent))

    def learn_once(self, source: SimulatedCamera) -> None:
        """Learn the one bank of a camera that does not learn by itself, from what another remembers of this place."""
        self._learn(source, extent_of(source.memory.infos()), BankOrigin(by="an operator", software=SOFTWARE))

    def _learn(self, source: SimulatedCamera, extent: MemoryExtent, origin: BankOrigin) -> None:
        profile = load_profile(self.camera.profile)
        try:
            bank = learn_from_memory(
                source.memory, profile, false_alarms_per_day=self.settings.false_alarms_per_day,
                thumbnails_mb=self.settings.bank_thumbnails_mb,
                rejected_ms=[(span.from_ms, span.until_ms) for span in self.record.rejected_spans()],
                learnt_ms=[(span.from_ms, span.until_ms) for span in self.record.learnt_spans()],
            )  # fmt: skip
        except InsufficientFootageError as error:
            self._failed.append(self._failure(extent))
            self.banks.append(f"failed: {error}")
            return
        with self._versions.staging() as staged:
            save_bank(bank, staged)
            stored = store_bank(load_bank(staged), staged, self._versions, origin, activate=False)
        self.banks.append(f"{extent.seconds:.0f} s over {extent.span_s / 3600:.1f} h: {stored.summary}")
        self._follow_bank()

    def _failure(self, extent: MemoryExtent) -> Enrolment:
        return Enrolment(
            id=f"{len(self._failed):016x}", camera_id=self.camera.id, profile=self.camera.profile, memory=extent,
            by_itself=True, from_memory=True, state=EnrolmentState.FAILED, created_at_ms=0, updated_at_ms=0,
        )  # fmt: skip

    def _follow_bank(self) -> None:
        batch = CommitBatch()
        close_events(self.state, self.state.bank.refresh(self.settings, self.engines), batch)
        self._take(self.state, batch)

    def finish(self) -> None:
        """No more frames: close what is open, store what is to be remembered."""
        self._close()
        if self._recorder is not None:
            self._recorder.stop()

    def megabytes(self) -> dict[str, float]:
        """On disk: of memory and of banks."""
        folders = {"memory": self.settings.memory_dir, "banks": self.settings.banks_dir}
        sizes = {
            what: sum(path.stat().st_size for path in (folder / self.camera.id).rglob("*") if path.is_file())
            for what, folder in folders.items()
        }
        return {what: round(size / 1e6, 1) for what, size in sizes.items()}


def in_order(alerts: dict[str, Alert]) -> Sequence[Alert]:
    return sorted(alerts.values(), key=lambda alert: alert.started_at_ms)
