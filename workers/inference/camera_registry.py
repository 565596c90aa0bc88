"""The cameras that this worker scores: adopted with their partitions, handed over, restarted, and forgotten."""

from __future__ import annotations

import logging
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from models.alarms.event_detector import Event
from patchwatch.bus import keys
from patchwatch.bus.clock import BusClock
from patchwatch.bus.keys import CameraKeys, LeaseKeys, partition_of
from patchwatch.bus.stored_records import readable, readable_by_id
from patchwatch.bus.streams import StreamInfo, entry_ms, stream_info
from patchwatch.contract.bounds import counted
from patchwatch.contract.errors import LeaseLostError
from patchwatch.contract.logs import about
from patchwatch.contract.settings import Settings
from patchwatch.messages.alerts.alert import Alert
from patchwatch.messages.cameras.analysis_status import AnalysisStatus
from patchwatch.messages.cameras.camera import Camera, is_over
from patchwatch.messages.frames.score import Score
from workers.inference.camera_state import CameraState
from workers.inference.commit import AlertUpdate, CommitBatch, Committer, Publication, resume
from workers.inference.engine_cache import EngineCache
from workers.inference.scoring import close_events
from workers.runtime.leases import Lease, Leases

POLL_EVERY_S = 1.0  # for changed cameras and banks
_QUIET_FRAMES = 3  # that did not come when they should: only then is it worth a look at the queue, with two pictures
_ASKED_AT_ONCE = 50  # streams, each of which is told with two pictures
_PUBLISH_AT_ONCE = 100  # statuses, in one transaction
_REPUBLISH_S = 2.0  # after a change of the configuration: a Redis that lost everything gets each status back
_REPUBLISH_ALWAYS_S = 30.0  # restores what Redis may have lost all the same

log = logging.getLogger(__name__)

Commit = Callable[[CameraState, CommitBatch], None]


class CameraRegistry:
    """Keeps one `CameraState` for each enabled camera of the partitions whose leases this worker holds.

    ``commit`` writes what ends with a camera's adoption or removal. ``removed`` is called with the id of a camera that
    a user removed, not of one that Redis lost, which will be put back. Methods raise `BusUnavailableError`.
    """

    def __init__(
        self,
        client: Any,
        settings: Settings,
        leases: Leases,
        engines: EngineCache,
        committer: Committer,
        commit: Commit,
        clock: BusClock,
        removed: Callable[[str], None] = lambda camera_id: None,
    ) -> None:
        self._removed = removed
        self._configured: dict[str, str | None] = {}  # the incarnation of each camera, also of those that are disabled
        self._newest_revision = 0  # that any Redis has had: a lower one is of a Redis that lost its data
        self.states: dict[str, CameraState] = {}  # by camera id
        self._client = client
        self._settings = settings
        self._leases = leases
        self._engines = engines
        self._committer = committer
        self._commit = commit
        self._clock = clock
        self._revision: bytes | None = None  # of the configuration that the states are of
        self.owned: dict[LeaseKeys, bytes] = {}  # the leases that the states are held under
        # by camera id: what was published, when, and at which revision of the configuration
        self._published: dict[str, tuple[AnalysisStatus, float, bytes | None]] = {}

    def __iter__(self) -> Iterator[CameraState]:
        return iter(list(self.states.values()))

    def __len__(self) -> int:
        return len(self.states)

    def invalidate(self) -> None:
        """Read the configuration again at the next `refresh`, even if it did not change."""
        self._revision = None

    def read_cameras(self) -> list[Camera]:
        """All configured cameras; an unreadable record is logged and left out."""
        return list(self._readable(self._client.hgetall(keys.CAMERAS)).values())

    def _readable(self, records: Mapping[bytes, bytes]) -> dict[str, Camera]:
        return readable_by_id(Camera.decode, records, "camera")

    def refresh(self) -> None:
        """Follow the configuration and the leases: remove, adopt and reconfigure cameras."""
        revision = self._client.get(keys.CAMERAS_REVISION)
        owned = self._leases.owned
        if revision == self._revision and owned == self.owned and revision is not None:
            return
        restored = counted(revision) < self._newest_revision
        self._newest_revision = max(self._newest_revision, counted(revision))
        records = self._client.hgetall(keys.CAMERAS)
        configured = self._readable(records)
        cameras = {name: camera for name, camera in configured.items() if camera.enabled}
        for state in self:
            if _is_over(state, cameras.get(state.camera.id)):
                self._remove(state)
        if restored:
            self._configured.clear()  # what is gone was lost, and is not removed whenever the revision has caught up
        else:
            self._forget_removed(records)
        self._configured |= {name: camera.incarnation for name, camera in configured.items()}
        self._leases.want(self._partitions(cameras))
        for camera in cameras.values():
            self._adopt(camera, owned)
        self._engines.prepare([state.camera.profile for state in self])
        self._engines.prepare([camera.profile for camera in cameras.values()])
        self._revision, self.owned = revision, owned

    def hand_over(self) -> None:
        """Give back the partitions that other workers should have. Between two batches everything is committed."""
        for unit in self._leases.leaving:
            for state in self:
                if str(state.keys.partition) == unit.name:
                    self._forget(state.camera.id)
            self._leases.release(unit)
            self.owned.pop(unit, None)

    def forget_restarted(self) -> None:
        """Forget cameras whose frames are numbered from the start again, as they were removed and added between two
        refreshes: they are adopted as new ones by the next refresh."""
        quiet = [state for state in self if self._is_quiet(state)]
        for start in range(0, len(quiet), _ASKED_AT_ONCE):
            some = quiet[start : start + _ASKED_AT_ONCE]
            with self._client.pipeline(transaction=False) as pipe:
                for state in some:
                    pipe.xinfo_stream(state.keys.frames)
                answers = pipe.execute(raise_on_error=False)
            for state, info in zip(some, map(StreamInfo.from_answer, answers), strict=True):
                if info is not None and entry_ms(info.last_id) < state.position:
                    self._forget(state.camera.id)
                    self._revision = None

    def _is_quiet(self, state: CameraState) -> bool:
        """Whether frames did not come when they should."""
        fps = state.camera.analysis_fps or self._settings.analysis_fps
        return time.monotonic() - state.last_taken_s >= max(POLL_EVERY_S, _QUIET_FRAMES / fps)

    def close(self, state: CameraState, events: Sequence[Event], alerts: Sequence[Alert] = ()) -> None:
        """Commit the end of events and the changes of alerts that come without a frame."""
        if events or alerts:
            batch = CommitBatch(alerts=[AlertUpdate(alert, announce=True) for alert in alerts])
            close_events(state, events, batch)
            self._commit(state, batch)

    def release(self, state: CameraState, error: LeaseLostError) -> None:
        """Another worker owns the camera now."""
        log.warning("%s: %s", state.camera.id, error, extra=about(state.camera.id))
        self._forget(state.camera.id)
        self._revision = None  # refresh soon: the partition may come back to this worker

    def publish_statuses(self, loads_of: Callable[[CameraState], Mapping[str, float]]) -> None:
        """Publish of each camera the status of its analysis if it changed or a frame was scored, and from time to time
        if not. ``loads_of``: its fields that say what a camera takes. Cameras of a partition share a transaction."""
        of_tenure: dict[Lease, list[Publication]] = defaultdict(list)
        for state in self:
            if (publication := self._publication(state, loads_of)) is not None:
                of_tenure[state.tenure].append(publication)
        for publications in of_tenure.values():
            for start in range(0, len(publications), _PUBLISH_AT_ONCE):
                self._publish(publications[start : start + _PUBLISH_AT_ONCE])

    def _publication(
        self, state: CameraState, loads_of: Callable[[CameraState], Mapping[str, float]]
    ) -> Publication | None:
        state.bank.update_condition()
        state.bank.update_context()
        status, now_s = state.bank.status, time.monotonic()
        published, published_s, revision = self._published.get(state.camera.id, (None, 0.0, None))
        explanation = state.explanation()
        lasts_s = _REPUBLISH_ALWAYS_S if revision == self._revision else _REPUBLISH_S
        if status is None or (status is published and now_s - published_s < lasts_s and explanation is None):
            return None
        if published is not status:
            _log_status(status)
        self._published[state.camera.id] = (status, now_s, self._revision)
        return Publication(state, status.model_copy(update=dict(loads_of(state))), explanation)

    def _publish(self, publications: Sequence[Publication]) -> None:
        try:
            self._committer.publish_statuses(publications)
        except LeaseLostError as error:
            for state, _, _ in publications:
                self.release(state, error)

    def _forget_removed(self, records: Mapping[bytes, bytes]) -> None:
        """Also cameras that were disabled, or that other workers have had."""
        for name, incarnation in list(self._configured.items()):
            if is_over(records.get(name.encode()), incarnation):
                del self._configured[name]
                self._removed(name)

    def _remove(self, state: CameraState) -> None:
        state.removed = True
        self.close(state, state.bank.finish(), state.conditions.finish(self._clock.now_ms()))
        self._forget(state.camera.id)
        self._under_lease(state, partial(self._committer.erase, state))

    def _partitions(self, cameras: dict[str, Camera]) -> Counter[LeaseKeys]:
        """How many cameras each partition has; nobody leases an empty one."""
        partitions = (partition_of(camera_id, self._settings.partitions) for camera_id in cameras)
        return Counter(LeaseKeys.for_partition(partition) for partition in partitions)

    def _adopt(self, camera: Camera, owned: dict[LeaseKeys, bytes]) -> None:
        camera_keys = CameraKeys.for_camera(camera.id, self._settings.partitions)
        state, lease = self.states.get(camera.id), owned.get(LeaseKeys.for_partition(camera_keys.partition))
        if state and state.lease == lease:
            self.close(state, state.reconfigure(camera))
            return
        self._forget(camera.id)
        if lease is not None:
            stored, counters = self._client.hgetall(camera_keys.state), self._client.hgetall(camera_keys.counters)
            last_score_ms = max(self._last_id(key) or 0 for key in (camera_keys.scores, camera_keys.high_scores))
            state = resume(camera, camera_keys, lease, stored, counters, last_score_ms, self._clock)
            state.high.low = self._last_low(camera_keys)
            self.states[camera.id] = state

    def _last_low(self, camera_keys: CameraKeys) -> tuple[int, Score] | None:
        """The last score, unless it is among the high ones or before the last of them."""
        entries = self._client.xrevrange(camera_keys.scores, count=1)
        score = readable(Score.decode, entries[0][1], "the last score") if entries else None
        if score is None:
            return None
        last_ms = entry_ms(entries[0][0].decode())
        return (last_ms, score) if last_ms > (self._last_id(camera_keys.high_scores) or 0) else None

    def _last_id(self, stream: str) -> int | None:
        """The first part of the id of a stream's last entry, even of one that was trimmed; None without a stream."""
        info = stream_info(self._client, stream)
        return None if info is None else entry_ms(info.last_id)

    def _forget(self, camera_id: str) -> None:
        self.states.pop(camera_id, None)
        self._published.pop(camera_id, None)

    def _under_lease(self, state: CameraState, write: Callable[[], None]) -> None:
        try:
            write()
        except LeaseLostError as error:
            self.release(state, error)


def _log_status(status: AnalysisStatus) -> None:
    warning = " with RANDOM CLIP weights" if status.random_weights else ""
    arming = f" ({status.arming.value})" if status.arming else ""
    what = status.detail or status.bank_id
    log.info(
        "%s: %s%s%s %s", status.camera_id, status.state.value, arming, warning, what, extra=about(status.camera_id)
    )


def _is_over(state: CameraState, camera: Camera | None) -> bool:
    """Whether the camera was removed, be it that another one of its name was added since."""
    return camera is None or camera.incarnation != state.camera.incarnation
