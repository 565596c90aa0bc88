"""One camera in the inference worker: its position in the queue, and everything that its next frame depends on."""

from __future__ import annotations

import logging
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from models.alarms.event_detector import Event
from models.frames.frame import HISTORY_S
from models.frames.scene_cuts import SceneCuts
from patchwatch.bus.clock import BusClock
from patchwatch.bus.keys import CameraKeys, LeaseKeys
from patchwatch.contract.bounds import LATEST_MS
from patchwatch.contract.logs import about
from patchwatch.messages.alerts.alert import Alert
from patchwatch.messages.alerts.explanation import Explanation
from patchwatch.messages.cameras.analysis_status import DropReason
from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.cameras.zones.privacy_marks import marks_of
from patchwatch.messages.frames.camera_time import CameraTime
from patchwatch.messages.frames.frame import FrameGaps
from patchwatch.messages.frames.score import Region, ScoreMinute
from workers.analysis.camera_activity import CameraActivity
from workers.analysis.high_scores import HighScores
from workers.inference.alerts import AnomalyAlert, ConditionAlerts
from workers.inference.camera_bank import CameraBank
from workers.runtime.leases import Lease

_MOST_OBSERVATIONS = 64
_LEAST_APART_S = 0.1  # between two observations that are kept

_MINUTE_MS = 60_000
_FAILED_RECENTLY_S = 60.0
log = logging.getLogger(__name__)


class Arrivals:
    """Remembers how far a camera's queue reached at each reading, so that no wall clock is needed to say how long a
    frame can have waited. ``now_s`` is monotonic."""

    def __init__(self) -> None:
        self._observations: deque[tuple[float, int]] = deque(maxlen=_MOST_OBSERVATIONS)  # (now_s, newest number)

    def observe(self, newest_seq: int, now_s: float) -> None:
        """There was no frame beyond this sequence number."""
        if self._observations and now_s - self._observations[-1][0] < _LEAST_APART_S:
            return
        self._observations.append((now_s, newest_seq))

    def waited_at_most_s(self, seq: int, now_s: float) -> float:
        """Infinity for a frame that may always have been in the queue."""
        absent = (at_s for at_s, newest in reversed(self._observations) if newest < seq)
        return now_s - next(absent, float("-inf"))


class Failures:
    """Frames of one camera whose analysis raised an unforeseen exception: a traceback is logged once a minute at
    most."""

    def __init__(self, camera_id: str) -> None:
        self._camera_id = camera_id
        self._logged_s = self._last_s = float("-inf")

    def record(self, seq: int, error: Exception) -> None:
        """A frame failed, and is dropped."""
        self._last_s = time.monotonic()
        if self._last_s - self._logged_s >= _FAILED_RECENTLY_S:
            self._logged_s = self._last_s
            log.error(
                "%s: frame %d dropped, as are others that fail within a minute", self._camera_id, seq, exc_info=error,
                extra=about(self._camera_id, seq),
            )  # fmt: skip

    def happened_recently(self) -> bool:
        """Whether a frame failed within the last minute: the camera's frames are then batched apart from others'."""
        return time.monotonic() - self._last_s < _FAILED_RECENTLY_S


@dataclass
class CameraState:
    """Mutable state of one camera, owned by the worker's one scoring thread.

    ``position`` is the sequence number of the last frame taken (scored or dropped). ``counters`` are totals since the
    camera was added. ``lease`` is the value of the partition's lease when the state was read: commits succeed under it
    alone, which is the ``tenure``. `workers.inference.commit` writes the state to Redis and reads it back.
    """

    camera: Camera
    keys: CameraKeys
    lease: bytes
    clock: BusClock = field(default_factory=BusClock)  # the worker's
    position: int = 0
    counters: Counter[str] = field(default_factory=Counter)
    gaps: FrameGaps = field(default_factory=FrameGaps)  # up to the position
    recent: deque[tuple[int, int]] = field(default_factory=deque)  # (seq, own time in ns) of the frames to keep
    camera_time: CameraTime = field(default_factory=CameraTime)
    arrivals: Arrivals = field(default_factory=Arrivals)
    last_score_ms: int = 0
    minute: ScoreMinute | None = None
    high: HighScores = field(default_factory=HighScores)
    anomaly: AnomalyAlert = field(default_factory=AnomalyAlert)
    conditions: ConditionAlerts = field(default_factory=ConditionAlerts)
    cuts: SceneCuts = field(default_factory=SceneCuts)
    cut_frames: set[int] = field(default_factory=set)  # those of `recent` that follow a cut
    boxes: list[list[Any]] = field(default_factory=list)
    explain: Callable[[], Explanation] | None = None  # of the frame scored last, until somebody asked for it
    missed: bool = False  # frames since the one that was admitted last were dropped, as this machine did not keep up
    removed: bool = False  # the frames in Redis may belong to the next camera of the same name
    last_taken_s: float = field(default_factory=time.monotonic)
    bank: CameraBank = field(init=False)
    failures: Failures = field(init=False)
    tenure: Lease = field(init=False)
    activity: CameraActivity | None = None  # of a camera that watches for absence
    must_hide: bytes = field(init=False)  # marks of the privacy zones that each frame must have been blackened for

    def __post_init__(self) -> None:
        self.anomaly.wall_ms = self.conditions.wall_ms = self.wall_ms
        self.failures = Failures(self.camera.id)
        self.tenure = Lease(LeaseKeys.for_partition(self.keys.partition), self.lease)
        self.must_hide = marks_of(self.camera.privacy)
        self.bank = CameraBank(self.camera, self.anomaly, self.conditions, self.clock)

    @property
    def ready(self) -> bool:
        """Whether frames can be scored."""
        return self.bank.scorer is not None

    def reconfigure(self, camera: Camera) -> list[Event]:
        """Adopt a changed configuration. Another profile means another bank, and closes the open event."""
        self.camera, self.must_hide = camera, marks_of(camera.privacy)
        return self.bank.reconfigure(camera)

    def update_alert(self, event: Event, region: Region | None, zones: tuple[str, ...] = ()) -> tuple[Alert, bool]:
        """See `AnomalyAlert.update`."""
        return self.anomaly.update(self.camera, self.bank.scorer, event, region, zones)

    def advance(self, seq: int, gaps: FrameGaps | None = None) -> bool:
        """Move on to a frame; counts the frames missing before it, by the reasons that ``gaps`` states. False for a
        frame that was taken already."""
        if seq <= self.position:
            return False
        if seq > self.position + 1:
            self._count_missing(seq - self.position - 1, (gaps or self.gaps).since(self.gaps))
        self.position, self.gaps = seq, gaps or self.gaps
        self.last_taken_s = time.monotonic()
        return True

    def _count_missing(self, count: int, gaps: FrameGaps) -> None:
        unpublished = min(count, gaps.unpublished)
        lost = min(count - unpublished, gaps.lost)
        self.missed = self.missed or count > unpublished + lost
        self.count_drop(DropReason.UNPUBLISHED, unpublished)
        self.count_drop(DropReason.QUEUE_FULL, count - unpublished - lost)
        if lost:
            self.counters["lost"] += lost  # they may have been scored: not counted as dropped

    def count_drop(self, reason: DropReason, count: int = 1) -> None:
        if count:
            self.counters[f"dropped:{reason.value}"] += count

    def keep_frame(self, seq: int, own_ns: int, *, cut: bool = False) -> None:
        """Keep this frame in the queue until later ones have replaced it as history."""
        self.recent.append((seq, own_ns))
        if cut:
            self.cut_frames.add(seq)
        horizon_ns = own_ns - int(HISTORY_S * 1e9)
        while len(self.recent) > 1 and not horizon_ns <= self.recent[0][1] <= own_ns:
            oldest, _ = self.recent.popleft()
            self.cut_frames.discard(oldest)

    def explanation(self) -> Explanation | None:
        """Why the frame scored last has its score, without thumbnails; None where none was scored since it was asked
        before."""
        explain, self.explain = self.explain, None
        return explain() if explain is not None else None

    def wall_ms(self, own_s: float, since_s: float) -> int:
        """What the wall clock showed at a moment of the camera's own time, by the clock as it was at ``since_s``: a
        duration stays as long as it was, even if the clock was set meanwhile."""
        wall_ms = self.camera_time.eras.wall_ms(round(own_s * 1000), round(since_s * 1000))
        return min(LATEST_MS, max(0, wall_ms))

    def next_score_ms(self, own_ns: int) -> int:
        """Id of the next score: the camera's own time, pushed forward where two fall on one millisecond."""
        self.last_score_ms = max(self.last_score_ms + 1, own_ns // 1_000_000)
        return self.last_score_ms

    def add_to_minute(self, wall_ms: int, score: float) -> ScoreMinute | None:
        """Fold a score into its minute of the wall clock; returns the previous minute once it is over."""
        start = wall_ms - wall_ms % _MINUTE_MS
        finished = None
        if self.minute is None or self.minute.minute_ms != start:
            finished, self.minute = self.minute, ScoreMinute(start, 0, 0.0, 0.0)
        minute = self.minute
        self.minute = ScoreMinute(minute.minute_ms, minute.count + 1, minute.total + score, max(minute.peak, score))
        return finished
