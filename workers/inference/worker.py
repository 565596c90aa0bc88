"""The inference worker's loop: lease partitions, take frames, score, commit."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from models.alarms.event_detector import Event
from models.tampering.detector import GAP_S
from patchwatch.bus import keys
from patchwatch.bus.clock import BusClock
from patchwatch.bus.connection import connect, translated
from patchwatch.bus.keys import CameraKeys, LeaseKeys, partition_of
from patchwatch.bus.outage_log import OutageLog
from patchwatch.bus.stored_records import readable_by_id
from patchwatch.bus.streams import entry_ms, stream_info
from patchwatch.contract.errors import (
    BusFullError,
    BusUnavailableError,
    ConfigurationError,
    InvalidMessageError,
    LeaseLostError,
    RejectedError,
)
from patchwatch.contract.roles import Role
from patchwatch.contract.settings import Settings
from patchwatch.messages.alert import Alert
from patchwatch.messages.camera import Camera
from patchwatch.messages.capture_status import CaptureState, CaptureStatus
from patchwatch.messages.frame import FrameMessage
from workers.inference.camera_state import CameraState
from workers.inference.commit import ChangedAlert, CommitBatch, Committer
from workers.inference.engine_cache import EngineCache
from workers.inference.extraction import extract
from workers.inference.frame_age import FrameAge
from workers.inference.memory_pressure import MemoryPressure
from workers.inference.offline_detector import CaptureObservation
from workers.inference.queue_reader import QueueReader
from workers.inference.scoring import Scorer, close_events, frame_of
from workers.inference.watchdog import Watchdog
from workers.runtime.heartbeat import HeartbeatWriter
from workers.runtime.leases import Leases
from workers.runtime.stop_signals import call_on_stop

_LOOK_EVERY_S = 1.0  # for changed cameras and banks
_LOOK_SOON_S = 0.1  # while a camera waits for its networks
_STATUS_AGAIN_S = 2.0  # a Redis that lost everything gets the status back this late

log = logging.getLogger(__name__)


class InferenceWorker:
    """Scores the cameras of its share of the partitions. One thread scores; `stop` may be called from any."""

    def __init__(self, settings: Settings) -> None:
        if settings.redis_url is None:
            raise ConfigurationError("PATCHWATCH_REDIS_URL is not set: start everything with `patchwatch serve`")
        url = settings.redis_url.get_secret_value()
        self._settings = settings
        self._client: Any = connect(url)
        self._leases = Leases(url, Role.INFERENCE)
        self._clock = BusClock()
        self._committer = Committer(self._client, settings, self._clock)
        self._relief = MemoryPressure(self._client)
        age = FrameAge(self._client, settings.max_age_s, self._clock)
        self._reader = QueueReader(
            self._client, settings.batch_frames, settings.batch_wait_ms / 1000, settings.max_age_s, age
        )
        self._scorer = Scorer(age)
        self._engines = EngineCache(settings)
        self._sessions: dict[str, CameraState] = {}
        self._revision: bytes | None = None
        self._owned: dict[LeaseKeys, bytes] = {}
        self._published: dict[str, tuple[object, float]] = {}
        self._looked_s = float("-inf")
        self._outage = OutageLog("scoring waits for it")
        self._watchdog = Watchdog()
        self._stopping = threading.Event()
        self._heartbeat = HeartbeatWriter(Role.INFERENCE, self._leases.worker, self._clock)

    def stop(self) -> None:
        """Finish the batch in hand, commit it, give the leases back."""
        self._stopping.set()

    def run(self) -> None:
        """Score until `stop`. Survives a lost Redis: waits for it and goes on."""
        self._watchdog.start()
        try:
            while not self._stopping.is_set():
                self._watchdog.fed()
                try:
                    self._turn()
                    self._outage.answered()
                except BusUnavailableError as error:
                    self._outage.failed(error)
                    self._revision = None
                    self._stopping.wait(0.5)
        finally:
            self._watchdog.stop()
            self._engines.stop()
            self._leases.stop()
            self._client.close()

    def _turn(self) -> None:
        if not self._leases.started and not self._join():
            self._stopping.wait(_LOOK_SOON_S)
            return
        reading = {session.keys.frames: session for session in self._sessions.values() if not session.waiting}
        all_read = len(reading) == len(self._sessions)
        changing_hands = self._leases.leaving or self._leases.owned != self._owned
        if changing_hands or time.monotonic() - self._looked_s >= (_LOOK_EVERY_S if all_read else _LOOK_SOON_S):
            self._look_around()
            self._looked_s = time.monotonic()
        if not reading:
            self._stopping.wait(_LOOK_SOON_S)
            return
        taken = self._reader.read(reading)
        began_s = time.monotonic()
        for session, outcome in self._scorer.score(taken).values():
            self._settle(session, outcome)
        self._reader.spent(taken, time.monotonic() - began_s)

    def _join(self) -> bool:
        """Compete for cameras: once the networks are ready, since others score them until then; at once if none does.

        Says whether.
        """
        with translated():
            self._beat()
            profiles = {camera.profile for camera in self._read_cameras() if camera.enabled}
        if self._engines.ready(profiles) or not self._leases.has_others():
            self._leases.start()
        return self._leases.started

    def _look_around(self) -> None:
        with translated():
            self._clock.sync(self._client)
            self._refresh_cameras()
            self._hand_over()
            self._beat()
            captures = self._read_captures()
        for session in list(self._sessions.values()):
            if self._began_anew(session):
                self._forget(session.camera.id)
                self._revision = None
                continue
            was_ready, analyzer = session.ready, session.analyzer
            closed = session.refresh_bank(self._settings, self._engines)
            if session.ready and (not was_ready or session.analyzer is not analyzer):
                self._warm_up(session)
            closed += self._fallen_silent(session)
            self._close(session, closed, self._listen(session, captures.get(session.camera.id)))
            self._publish_status(session)

    def _refresh_cameras(self) -> None:
        revision = self._client.get(keys.CAMERAS_REVISION)
        owned = self._leases.owned
        if revision == self._revision and owned == self._owned and revision is not None:
            return
        wanted = {camera.id: camera for camera in self._read_cameras() if camera.enabled}
        for session in [one for one in self._sessions.values() if self._is_over(one, wanted.get(one.camera.id))]:
            camera_id, session.over = session.camera.id, True
            self._close(session, session.finish(), session.conditions.finish(self._clock.now_ms()))
            self._forget(camera_id)
            self._under_lease(session, partial(self._committer.erase, session))
        self._leases.want(self._work(wanted))
        for camera in wanted.values():
            self._adopt(camera, owned)
        self._engines.prepare([session.camera.profile for session in self._sessions.values()])
        self._engines.prepare([camera.profile for camera in wanted.values()])
        self._revision, self._owned = revision, owned

    def _is_over(self, session: CameraState, camera: Camera | None) -> bool:
        return camera is None or camera.incarnation != session.camera.incarnation

    def _work(self, cameras: dict[str, Camera]) -> Counter[LeaseKeys]:
        """Partitions with cameras, and how many: an empty one is nobody's."""
        partitions = (partition_of(camera_id, self._settings.partitions) for camera_id in cameras)
        return Counter(LeaseKeys.for_partition(partition) for partition in partitions)

    def _hand_over(self) -> None:
        """Give back what other workers shall have. Between two batches everything is committed."""
        for unit in self._leases.leaving:
            for session in [one for one in self._sessions.values() if str(one.keys.partition) == unit.name]:
                self._forget(session.camera.id)
            self._leases.release(unit)
            self._owned.pop(unit, None)

    def _read_cameras(self) -> list[Camera]:
        return list(readable_by_id(Camera.decode, self._client.hgetall(keys.CAMERAS), "camera").values())

    def _adopt(self, camera: Camera, owned: dict[LeaseKeys, bytes]) -> None:
        of = CameraKeys.for_camera(camera.id, self._settings.partitions)
        session, lease = self._sessions.get(camera.id), owned.get(LeaseKeys.for_partition(of.partition))
        if session and session.lease == lease:
            self._close(session, session.reconfigure(camera))
            return
        self._forget(camera.id)
        if lease is not None:
            state, counters = self._client.hgetall(of.state), self._client.hgetall(of.counters)
            last_ms = self._last_score_ms(of)
            session = CameraState.resume(camera, of, lease, state, counters, last_ms)
            session.clock = self._clock
            self._sessions[camera.id] = session

    def _last_score_ms(self, of: CameraKeys) -> int:
        """The id after which the camera's next score has to come, whatever its state says."""
        info = stream_info(self._client, of.scores)
        return 0 if info is None else entry_ms(info.last_id)

    def _began_anew(self, session: CameraState) -> bool:
        """Whether the frames count from the start again: the camera was removed and added between two looks."""
        if time.monotonic() - session.last_taken_s < _LOOK_EVERY_S:
            return False
        with translated():
            info = stream_info(self._client, session.keys.frames)
        return info is not None and entry_ms(info.last_id) < session.position

    def _forget(self, camera_id: str) -> None:
        self._sessions.pop(camera_id, None)
        self._published.pop(camera_id, None)

    def _warm_up(self, session: CameraState) -> None:
        """Show the streams the last scored frames again: what they remember of a camera is not stored."""
        if session.engine is None or not session.recent:
            return
        first, last = f"{session.recent[0][0]}-0", f"{session.position}-0"
        with translated():
            entries = self._client.xrange(session.keys.frames, min=first, max=last)
        own_ns = dict(session.recent)
        frames = []
        for entry_id, fields in entries:
            try:
                message = FrameMessage.decode(entry_id, fields)
                if message.seq in own_ns:
                    frame = frame_of(message, own_ns[message.seq])
                    cut = message.seq in session.cut_frames
                    frames.append(replace(frame, discontinuity=frame.discontinuity or cut))
            except RejectedError:
                continue  # it was counted when it was taken
        if frames:
            extract(session.engine, frames, [session.view] * len(frames))

    def _fallen_silent(self, session: CameraState) -> list[Event]:
        if session.bank is None or time.monotonic() - session.last_taken_s < session.bank.rule.gap_s:
            return []
        return session.finish()

    def _read_captures(self) -> dict[str, bytes | None]:
        sessions = list(self._sessions.values())
        records = self._client.mget([session.keys.capture for session in sessions]) if sessions else []
        return {session.camera.id: record for session, record in zip(sessions, records, strict=True)}

    def _listen(self, session: CameraState, record: bytes | None) -> list[Alert]:
        """Whether frames come that should, and whether those that came are too long ago to tell of the picture."""
        conditions = session.conditions
        silent = not session.waiting and time.monotonic() - session.last_taken_s > GAP_S
        closed = conditions.finish_picture() if silent else []
        if not (session.ready or session.waiting):
            closed += conditions.finish_scored()
        try:
            capture = CaptureStatus.decode(record) if record else None
        except InvalidMessageError as error:
            log.warning("%s: %s", session.camera.id, error)
            return closed
        if silent and capture is not None and capture.state is CaptureState.ENDED:
            closed += conditions.finish_scored()
        heard = CaptureObservation(capture, time.monotonic(), self._clock.now_ms())
        return closed + conditions.listen(session.camera, heard, self._settings.offline_after_s)

    def _close(self, session: CameraState, events: list[Event], alerts: Sequence[Alert] = ()) -> None:
        if events or alerts:
            outcome = CommitBatch(alerts=[ChangedAlert(alert, tell=True) for alert in alerts])
            close_events(session, events, outcome)
            self._settle(session, outcome)

    def _settle(self, session: CameraState, outcome: CommitBatch) -> None:
        """Commit, waiting for Redis as long as it takes; a camera that another worker owns now is let go."""
        uncertain = False
        while True:
            self._watchdog.fed()
            try:
                if uncertain and self._committer.applied(session, outcome):
                    return
                self._committer.commit(session, outcome)
            except LeaseLostError as error:
                self._lose(session, error)
                return
            except BusUnavailableError as error:
                uncertain = True
                self._outage.failed(error)
                if not self._relieved(error) and self._stopping.wait(0.5):
                    raise
            else:
                return

    def _relieved(self, error: BusUnavailableError) -> bool:
        """Whether Redis was full and something could be given up: then it may go on at once."""
        if not isinstance(error, BusFullError) or self._stopping.is_set():
            return False
        try:
            return self._relief.give_up(self._sessions.values())
        except BusUnavailableError:
            return False

    def _under_lease(self, session: CameraState, write: Callable[[], None]) -> None:
        try:
            write()
        except LeaseLostError as error:
            self._lose(session, error)

    def _lose(self, session: CameraState, error: LeaseLostError) -> None:
        log.warning("%s: %s", session.camera.id, error)
        self._forget(session.camera.id)
        self._revision = None  # look again soon: the partition may come back to us

    def _publish_status(self, session: CameraState) -> None:
        session.tell_condition()
        status, now_s = session.status, time.monotonic()
        before, at_s = self._published.get(session.camera.id, (None, 0.0))
        if status is None or (status is before and now_s - at_s < _STATUS_AGAIN_S):
            return
        if before is not status:
            word = " with RANDOM CLIP weights" if status.random_weights else ""
            log.info("%s: %s%s %s", session.camera.id, status.state.value, word, status.detail or status.bank_id)
        self._published[session.camera.id] = (status, now_s)
        self._under_lease(session, partial(self._committer.tell, session, status))

    def _beat(self) -> None:
        devices = {session.engine.device for session in self._sessions.values() if session.engine}
        self._heartbeat.write(
            self._client,
            device=",".join(sorted(devices)) or "cpu",
            cameras=len(self._sessions),
            failed_graphs=self._engines.failed_graphs,
            eager_pictures=self._engines.eager_pictures,
        )


def run(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT. Raises `FatalError` when it cannot work at all."""
    worker = InferenceWorker(settings)
    call_on_stop(worker.stop)
    worker.run()
