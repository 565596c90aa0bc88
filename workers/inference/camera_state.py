"""One camera in the inference worker: its place in the queue, its bank, and all that its next frame depends on."""

from __future__ import annotations

import logging
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from models.alarms.event_detector import Event
from models.banks.bank import Bank
from models.banks.bank_file import check_identity, load_bank
from models.engine.engine import Engine
from models.engine.frame_scorer import FrameScorer
from models.frames.frame import HISTORY_S, CameraContext
from models.frames.scene_cuts import SceneCuts
from models.tampering.expectation import Expectation
from patchwatch.bus.clock import BusClock
from patchwatch.bus.keys import CameraKeys
from patchwatch.contract.bounds import counted
from patchwatch.contract.errors import NotFoundError, PatchwatchError, WeightsMissingError
from patchwatch.contract.settings import Settings
from patchwatch.messages.alert import Alert
from patchwatch.messages.camera import Camera
from patchwatch.messages.clock_eras import Eras
from patchwatch.messages.frame_gaps import FrameGaps
from patchwatch.messages.score import ScoreMinute
from patchwatch.messages.status import AnalysisState, AnalysisStatus, DropReason
from workers.analysis.camera_time import CameraTime, TimedFrame
from workers.analysis.threshold_message import curve_of, to_message
from workers.inference.arrivals import Arrivals
from workers.inference.condition_alerts import ConditionAlerts
from workers.inference.engine_cache import EngineCache
from workers.inference.stored_state import StoredState

_MINUTE_MS = 60_000
# what JSON of another shape than expected raises
_UNREADABLE = (AttributeError, KeyError, OverflowError, TypeError, ValueError)

log = logging.getLogger(__name__)


@dataclass
class CameraState:
    """Mutable state of one camera, owned by the worker's one scoring thread.

    ``position`` is the sequence number of the last frame taken (scored or dropped). ``counters`` are totals since the
    camera began. ``lease``: that of the partition when the state was read; commits hold under it alone.
    """

    camera: Camera
    keys: CameraKeys
    lease: bytes
    position: int = 0
    counters: Counter[str] = field(default_factory=Counter)
    books: FrameGaps = field(default_factory=FrameGaps)  # up to the position
    view: CameraContext = field(default_factory=CameraContext)
    engine: Engine | None = None
    bank: Bank | None = None
    analyzer: FrameScorer | None = None
    status: AnalysisStatus | None = None
    recent: deque[tuple[int, int]] = field(default_factory=deque)  # (seq, own time in ns) of the frames to keep
    camera_time: CameraTime = field(default_factory=CameraTime)
    arrivals: Arrivals = field(default_factory=Arrivals)
    last_score_ms: int = 0
    minute: ScoreMinute | None = None
    alert: Alert | None = None  # the open one
    told_peak: float = 0.0  # of the open alert, as last told to subscribers
    conditions: ConditionAlerts = field(default_factory=ConditionAlerts)
    cuts: SceneCuts = field(default_factory=SceneCuts)
    cut_frames: set[int] = field(default_factory=set)  # those of `recent` that follow a cut
    boxes: list[list[Any]] = field(default_factory=list)
    stored: dict[str, Any] | None = None  # analyzer state of before a restart, until there is a bank to go on with
    over: bool = False  # its camera was removed: the frames there may be those of the next one of its name
    last_taken_s: float = field(default_factory=time.monotonic)
    clock: BusClock = field(default_factory=BusClock)  # its worker's
    _bank_mtime_ns: int | None = None
    _false_alarms_per_day: float = 0.0  # that the analyzer's rule is for

    def __post_init__(self) -> None:
        self.conditions.wall_ms = self.wall_ms

    @classmethod
    def resume(
        cls,
        camera: Camera,
        keys: CameraKeys,
        lease: bytes,
        state: dict[bytes, bytes],
        counters: dict[bytes, bytes],
        last_score_ms: int = 0,
    ) -> CameraState:
        """Go on from what the last commit left in Redis; from nothing for a new camera.

        ``last_score_ms``: the id of its last score there, after which the next one has to come.

        Of a state that another version wrote, what can be read is taken.
        """
        session = cls(camera, keys, lease)
        session.camera_time = CameraTime(Eras.from_record(state.get(b"eras")))
        session.counters = Counter({name.decode(errors="replace"): counted(value) for name, value in counters.items()})
        if b"seq" in state:
            session.position = counted(state[b"seq"])
            session.books = FrameGaps.decode(state.get(b"books")) or FrameGaps()
        if b"worker" in state:
            try:
                stored = StoredState.model_validate_json(state[b"worker"])
                session._restore(stored.with_conditions(state.get(b"conditions")))
            except _UNREADABLE as error:
                log.warning("%s: its stored state is unreadable (%r): smoothing starts afresh", camera.id, error)
        session.last_score_ms = max(session.last_score_ms, last_score_ms)
        return session

    def worker_state(self) -> dict[str, Any]:
        """JSON values kept with every commit; see `resume`."""
        return {
            "analyzer": self.analyzer.state() if self.analyzer else self.stored,
            "last_score_ms": self.last_score_ms,
            "minute": [self.minute.minute_ms, self.minute.count, self.minute.total, self.minute.peak]
            if self.minute
            else None,
            "alert": self.alert.model_dump(mode="json") if self.alert else None,
            "told_peak": self.told_peak,
            "recent": list(self.recent),
            "time": list(self.camera_time.last[:3]) if self.camera_time.last else None,
            "conditions": self.conditions.state(),
            "cuts": self.cuts.state(),
            "cut_frames": sorted(self.cut_frames),
        }

    def _restore(self, state: StoredState) -> None:
        self.alert = state.alert
        self.last_score_ms = state.last_score_ms
        self.told_peak = state.told_peak
        self.minute = ScoreMinute(*state.minute) if state.minute else None
        self.recent = deque(state.recent)
        if state.time is not None:
            self.camera_time.last = TimedFrame(*state.time, received_ns=None)
        self.stored = state.analyzer
        if state.conditions is not None:
            self.conditions.restore(state.conditions)
        self.cut_frames = set(state.cut_frames)
        if state.cuts is not None:
            self._restore_cuts(state.cuts)

    def _restore_cuts(self, state: dict[str, Any]) -> None:
        try:
            self.cuts.restore(state)
        except _UNREADABLE as error:
            log.warning("%s: what its pictures looked like is unreadable (%r): begun anew", self.camera.id, error)

    @property
    def ready(self) -> bool:
        return self.analyzer is not None

    @property
    def waiting(self) -> bool:
        """While its networks load, a camera's frames stay in the queue: nothing of a file is lost to a slow start."""
        return self.status is None or self.status.state is AnalysisState.LOADING

    def refresh_bank(self, settings: Settings, engines: EngineCache) -> list[Event]:
        """Load the camera's bank when it is new or has changed; returns events that this closes.

        Never raises for a bad bank or missing weights: the status says why nothing is scored.
        """
        path = settings.bank_path(self.camera.id, self.camera.profile)
        mtime_ns = _mtime_ns(path)
        budget = self.camera.false_alarms_per_day or settings.false_alarms_per_day
        if mtime_ns == self._bank_mtime_ns and self.ready:
            self._follow_budget(budget)
            return []
        try:
            engine = engines.get(self.camera.profile)
            if engine is None:
                self._set_status(
                    AnalysisState.LOADING,
                    f"the networks of profile {self.camera.profile} come into memory first; scores follow",
                )
                return []
            bank = load_bank(path)
            check_identity(bank, engine.profile, engine.identity, where=f"bank {bank.id} of {self.camera.id}")
        except PatchwatchError as error:
            return self._unready(error)
        self._bank_mtime_ns, self._false_alarms_per_day = mtime_ns, budget
        return self._use(engine, bank)

    def _follow_budget(self, false_alarms_per_day: float) -> None:
        """Another alarm budget is another threshold of the same bank. An open event goes on under it."""
        if false_alarms_per_day != self._false_alarms_per_day and self.bank and self.analyzer:
            self._false_alarms_per_day = false_alarms_per_day
            self.analyzer.use_rule(self.bank.threshold.rule(false_alarms_per_day))
            self._set_status(AnalysisState.SCORING, "")

    def _unready(self, error: PatchwatchError) -> list[Event]:
        state = AnalysisState.BANK_REJECTED
        if isinstance(error, NotFoundError):
            state = AnalysisState.NO_BANK
        elif isinstance(error, WeightsMissingError):
            state = AnalysisState.WEIGHTS_MISSING
        closed = self._leave_bank()
        self._set_status(state, str(error))
        return closed

    def _leave_bank(self) -> list[Event]:
        closed = self.finish()
        self.bank = self.analyzer = None
        self.conditions.expect_nothing()
        return closed

    def _use(self, engine: Engine, bank: Bank) -> list[Event]:
        before = self.analyzer.state() if self.analyzer else self.stored
        rule = bank.threshold.rule(self._false_alarms_per_day)
        self.engine, self.bank, self.analyzer, self.stored = engine, bank, FrameScorer(bank, rule), None
        self.view = CameraContext()
        self.conditions.expect(bank.id, Expectation(bank.moments.thumbnails))
        try:
            closed = self.analyzer.restore(before) if before else []
        except _UNREADABLE as error:
            log.warning("%s: its stored state is unreadable (%r): smoothing starts afresh", self.camera.id, error)
            self.analyzer, closed = FrameScorer(bank, rule), []
        if self.alert and not closed and self.analyzer.open_event is None:
            closed = [known_of(self.alert)]
        self._set_status(AnalysisState.SCORING, "")
        return closed

    def finish(self) -> list[Event]:
        """No more frames for now: closes what is open, be it of before a restart."""
        if self.analyzer:
            return self.analyzer.finish()
        self.stored = None
        return [known_of(self.alert)] if self.alert else []

    def _set_status(self, state: AnalysisState, detail: str) -> None:
        bank = self.bank
        before = self.status
        threshold = to_message(bank.threshold.at(self._false_alarms_per_day)) if bank else None
        now = (state, detail, bank.id if bank else None, threshold)
        if before and (before.state, before.detail, before.bank_id, before.threshold) == now:
            return
        self.status = AnalysisStatus(
            camera_id=self.camera.id,
            state=state,
            detail=detail,
            profile=self.camera.profile,
            streams=tuple(spec.name for spec in bank.profile.streams) if bank else (),
            bank_id=bank.id if bank else None,
            bank_created_at=bank.created_at if bank else None,
            random_weights=bank.random_weights if bank else False,
            threshold_on=threshold.on if threshold else None,
            threshold_off=threshold.off if threshold else None,
            threshold=threshold,
            thresholds=curve_of(bank.threshold) if bank else (),
            device=self.engine.device if self.engine else "cpu",
            updated_at_ms=self.clock.now_ms(),
        )

    def tell_condition(self) -> None:
        """Put into the status what keeps anomalies from being told, if anything does."""
        condition = self.conditions.told
        if self.status is not None and self.status.condition != condition:
            changed = {"condition": condition, "updated_at_ms": self.clock.now_ms()}
            self.status = self.status.model_copy(update=changed)

    def reconfigure(self, camera: Camera) -> list[Event]:
        """Take a changed configuration; another profile means another bank, and closes what is open."""
        changed = camera.profile != self.camera.profile
        self.camera = camera
        if not changed:
            return []
        closed = self._leave_bank()
        self.engine = self.status = self.stored = None
        self._bank_mtime_ns = None
        return closed

    def take(self, seq: int, books: FrameGaps | None = None) -> bool:
        """Advance to a frame; counts the frames missing before it, for the reasons that its books tell. False for one
        that was taken already."""
        if seq <= self.position:
            return False
        self._miss(seq - self.position - 1, (books or self.books).since(self.books))
        self.position, self.books = seq, books or self.books
        self.last_taken_s = time.monotonic()
        return True

    def _miss(self, count: int, why: FrameGaps) -> None:
        unpublished = min(count, why.unpublished)
        lost = min(count - unpublished, why.lost)
        self.drop(DropReason.UNPUBLISHED, unpublished)
        self.drop(DropReason.QUEUE_FULL, count - unpublished - lost)
        if lost:
            self.counters["lost"] += lost  # they may have been scored: not counted as dropped

    def drop(self, reason: DropReason, count: int = 1) -> None:
        if count:
            self.counters[f"dropped:{reason.value}"] += count

    def keep(self, seq: int, own_ns: int, *, cut: bool = False) -> None:
        """Remember that this frame stays in the stream until later ones have replaced it as history."""
        self.recent.append((seq, own_ns))
        if cut:
            self.cut_frames.add(seq)
        horizon_ns = own_ns - int(HISTORY_S * 1e9)
        while len(self.recent) > 1 and not horizon_ns <= self.recent[0][1] <= own_ns:
            gone, _ = self.recent.popleft()
            self.cut_frames.discard(gone)

    def wall_ms(self, own_s: float, since_s: float) -> int:
        """What the wall clock showed at a moment of the camera's own time, by the clock of ``since_s``: that something
        lasted is told as long as it was, though the clock was set meanwhile."""
        return max(0, self.camera_time.eras.wall_ms(round(own_s * 1000), round(since_s * 1000)))

    def next_score_ms(self, own_ns: int) -> int:
        """Id of the next score: the camera's own time, pushed forward where two fall on one millisecond."""
        self.last_score_ms = max(self.last_score_ms + 1, own_ns // 1_000_000)
        return self.last_score_ms

    def add_to_minute(self, wall_ms: int, score: float) -> ScoreMinute | None:
        """Fold a score into its minute of the wall clock; returns the minute before once it is over."""
        start = wall_ms - wall_ms % _MINUTE_MS
        over = None
        if self.minute is None or self.minute.minute_ms != start:
            over, self.minute = self.minute, ScoreMinute(start, 0, 0.0, 0.0)
        minute = self.minute
        self.minute = ScoreMinute(minute.minute_ms, minute.count + 1, minute.total + score, max(minute.peak, score))
        return over


def known_of(alert: Alert) -> Event:
    """The event of an open alert of which nothing but its record is left: it ended at its peak or later. Its start on
    the camera's own time stands in its id."""
    own_ms = counted(alert.id.rpartition("-")[2].encode()) or alert.started_at_ms
    ahead_ms = own_ms - alert.started_at_ms
    opened_s, peak_s = (alert.opened_at_ms + ahead_ms) / 1000, (alert.peak_at_ms + ahead_ms) / 1000
    return Event(own_ms / 1000, opened_s, peak_s, alert.peak_score or 0.0, alert.stream, None, peak_s)


def _mtime_ns(path: Path) -> int | None:
    try:
        return path.stat().st_mtime_ns
    except OSError:  # there is none, or reading it will say what is wrong
        return None
