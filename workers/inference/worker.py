"""The inference worker's loop: lease partitions, take frames, score, commit."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from models.alarms.event_detector import Event
from models.tampering.detector import GAP_S
from patchwatch.bus.clock import BusClock
from patchwatch.bus.connection import connect, translated
from patchwatch.bus.outage_log import OutageLog
from patchwatch.contract.errors import (
    BusFullError,
    BusUnavailableError,
    InvalidMessageError,
    LeaseLostError,
    RejectedError,
)
from patchwatch.contract.roles import Role
from patchwatch.contract.settings import Settings
from patchwatch.messages.alerts.alert import Alert
from patchwatch.messages.cameras.capture_status import CaptureState, CaptureStatus
from patchwatch.messages.frames.frame import FrameMessage
from workers.inference.activity.activities import Activities
from workers.inference.camera_registry import POLL_EVERY_S, CameraRegistry
from workers.inference.camera_state import CameraState
from workers.inference.commit import CommitBatch, Committer
from workers.inference.corrections.corrections import Corrections
from workers.inference.engine_cache import EngineCache
from workers.inference.frame_costs import FrameCosts
from workers.inference.memory_pressure import MemoryPressure
from workers.inference.offline_detector import CaptureObservation
from workers.inference.queue_reader import FrameAge, QueueReader
from workers.inference.recording.normal_recorder import NormalRecorder
from workers.inference.scoring import Scorer, decode_frame, extract
from workers.inference.watchdog import Watchdog
from workers.runtime.heartbeat import HeartbeatWriter
from workers.runtime.leases import Leases
from workers.runtime.stop_signals import call_on_stop
from workers.tracing.scoring_trace import ScoringTrace
from workers.tracing.span_export import SpanExport

_POLL_SOON_S = 0.1  # while a camera waits for its networks
_LOAD_FOR_S = 0.5  # at a time: many cameras that come to this worker at once have as many banks
_THRESHOLDS_FOR_S = 0.1  # at a time: those of budgets that are not in force, which no score waits for

log = logging.getLogger(__name__)


class InferenceWorker:
    """Scores the cameras of its share of the partitions. One thread scores; `stop` may be called from any."""

    def __init__(self, settings: Settings) -> None:
        url = settings.shared_redis_url
        self._settings = settings
        self._client: Any = connect(url)
        self._leases = Leases(url, Role.INFERENCE)
        self._clock = BusClock()
        self._committer = Committer(self._client, settings, self._clock)
        self._memory_pressure = MemoryPressure(self._client)
        age = FrameAge(self._client, settings.max_age_s, self._clock)
        self._reader = QueueReader(
            self._client, settings.batch_frames, settings.batch_wait_ms / 1000, settings.max_age_s, age
        )
        self._recorder = NormalRecorder(settings) if settings.memory_mb else None
        self._costs = FrameCosts()
        self._trace = _trace(settings, self._clock)
        self._scorer = Scorer(age, self._recorder, self._reader.has_time, self._trace)
        self._engines = EngineCache(settings)
        self._cameras = CameraRegistry(
            self._client, settings, self._leases, self._engines, self._committer, self._commit_with_retry, self._clock,
            self._forget_normal,
        )  # fmt: skip
        held = self._recorder.held if self._recorder else None
        self._corrections = Corrections(self._client, settings, held, self._clock)
        self._activities = Activities(self._client)
        self._polled_s = float("-inf")
        self._outage = OutageLog("scoring waits for it")
        self._redis_away = False
        self._progress = 0  # rises while the loop runs
        self._watchdog = Watchdog(lambda: self._progress)
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
                self._progress += 1
                try:
                    self._turn()
                    if self._redis_away:
                        self._redis_away = False
                        self._outage.answered()
                except BusUnavailableError as error:
                    self._note_outage(error)
                    self._cameras.invalidate()
                    self._stopping.wait(0.5)
        finally:
            self._watchdog.stop()
            if self._recorder is not None:
                self._recorder.stop()
            self._corrections.stop()
            self._engines.stop()
            if self._trace is not None:
                self._trace.stop()
            self._leases.stop()
            self._client.close()

    def _note_outage(self, error: BusUnavailableError) -> None:
        self._redis_away = True
        self._outage.failed(error)

    def _turn(self) -> None:
        if not self._leases.started and not self._join():
            self._stopping.wait(_POLL_SOON_S)
            return
        states = {state.keys.frames: state for state in self._cameras.states.values() if not state.bank.loading}
        all_loaded = len(states) == len(self._cameras.states)
        poll_every_s = POLL_EVERY_S if all_loaded else _POLL_SOON_S
        changing_hands = self._leases.leaving or self._leases.owned != self._cameras.owned
        if changing_hands or time.monotonic() - self._polled_s >= poll_every_s:
            self._poll()
            self._polled_s = time.monotonic()
        if not states:
            self._stopping.wait(_POLL_SOON_S)
            return
        frames, learns = self._reader.read(states), self._reader.has_time()
        began_s = time.monotonic()
        if self._trace is not None:
            self._trace.begin((frame.state.camera.id, frame.message) for frame in frames)
        for state, batch in self._scorer.score(frames).values():
            commit_ns = time.monotonic_ns()
            self._commit_with_retry(state, batch)
            if self._trace is not None:
                self._trace.committed(state.camera.id, commit_ns, [change.alert.id for change in batch.alerts])
        took_s = time.monotonic() - began_s
        self._reader.record_cost(frames, took_s)
        self._costs.record_turn(frames, took_s, learns=learns)

    def _join(self) -> bool:
        """Start to compete for partitions, as soon as the networks are ready or no other worker could score meanwhile.

        Returns whether it has started.
        """
        with translated():
            self._send_heartbeat()
            profiles = {camera.profile for camera in self._cameras.read_cameras() if camera.enabled}
        if self._engines.ready(profiles) or not self._leases.has_others():
            self._leases.start()
        return self._leases.started

    def _poll(self) -> None:
        """Follow what changes beside the frames: cameras, leases, banks, and the captures; and do with the frames
        scored since what does not decide on their scores."""
        began_s = time.monotonic()
        if self._recorder is not None:
            self._recorder.record_waiting()
        with translated():
            self._clock.sync(self._client)
            self._cameras.refresh()
            self._corrections.refresh()
            self._cameras.hand_over()
            self._send_heartbeat()
            self._cameras.forget_restarted()
            captures = self._read_captures()
        for state in self._followed():
            scorer = state.bank.scorer
            closed = state.bank.refresh(self._settings, self._engines)
            if state.bank.scorer is not None and state.bank.scorer is not scorer:
                self._warm_up(state)
            self._corrections.follow(state)
            if state.camera.absence_chance is not None or state.activity is not None:
                self._follow_activity(state)
            closed += self._finish_if_silent(state)
            self._cameras.close(state, closed, self._observe_capture(state, captures.get(state.camera.id)))
        self._add_thresholds()
        self._cameras.publish_statuses(self._costs.loads_of)
        self._corrections.follow_only(self._cameras.states)
        if self._recorder is not None:
            self._recorder.follow(self._cameras.states)
        self._costs.record_upkeep(len(self._cameras), time.monotonic() - began_s)

    def _followed(self) -> Iterator[CameraState]:
        """The cameras, but only some of those whose banks have to be loaded: the others soon, and meanwhile those that
        are loaded are scored."""
        load_until_s, loaded = time.monotonic() + _LOAD_FOR_S, False
        for state in self._cameras:
            if state.bank.loading:
                if loaded and time.monotonic() > load_until_s:
                    continue
                loaded = True
            yield state

    def _add_thresholds(self) -> None:
        """Complete the statuses of some cameras, once all are scored: of one camera at least."""
        if any(state.bank.loading for state in self._cameras):
            return
        until_s = time.monotonic() + _THRESHOLDS_FOR_S
        for state in self._cameras:
            if state.bank.add_thresholds() and time.monotonic() > until_s:
                return

    def _follow_activity(self, state: CameraState) -> None:
        try:
            with translated():
                self._activities.follow(state)
        except LeaseLostError as error:
            self._cameras.release(state, error)

    def _forget_normal(self, camera_id: str) -> None:
        if self._recorder is not None:
            self._recorder.erase(camera_id)

    def _warm_up(self, state: CameraState) -> None:
        """Extract the last scored frames once more: what the streams remember of a camera is not stored."""
        if state.bank.engine is None or not state.recent:
            return
        first, last = f"{state.recent[0][0]}-0", f"{state.position}-0"
        with translated():
            entries = self._client.xrange(state.keys.frames, min=first, max=last)
        own_ns = dict(state.recent)
        frames = []
        for entry_id, fields in entries:
            try:
                message = FrameMessage.decode(entry_id, fields)
                if message.seq in own_ns:
                    frame = decode_frame(message, own_ns[message.seq])
                    cut = message.seq in state.cut_frames
                    frames.append(replace(frame, discontinuity=frame.discontinuity or cut))
            except RejectedError:
                continue  # it was counted when it was taken
        if frames:
            extract(state.bank.engine, frames, [state.bank.context] * len(frames))

    def _finish_if_silent(self, state: CameraState) -> list[Event]:
        bank = state.bank.loaded
        if bank is None or time.monotonic() - state.last_taken_s < bank.rule.gap_s:
            return []
        return state.bank.finish()

    def _read_captures(self) -> dict[str, bytes | None]:
        states = list(self._cameras)
        records = self._client.mget([state.keys.capture for state in states]) if states else []
        return {state.camera.id: record for state, record in zip(states, records, strict=True)}

    def _observe_capture(self, state: CameraState, record: bytes | None) -> list[Alert]:
        """Judge whether the frames come that should, and close the conditions of a picture seen too long ago."""
        conditions = state.conditions
        silent = not state.bank.loading and time.monotonic() - state.last_taken_s > GAP_S
        closed = conditions.finish_picture() if silent else []
        if not (state.ready or state.bank.loading):
            closed += conditions.finish_scored()
        try:
            capture = CaptureStatus.decode(record) if record else None
        except InvalidMessageError as error:
            log.warning("%s: %s", state.camera.id, error)
            return closed
        if silent and capture is not None and capture.state is CaptureState.ENDED:
            closed += conditions.finish_scored()
        observation = CaptureObservation(capture, time.monotonic(), self._clock.now_ms())
        return closed + conditions.observe_capture(state.camera, observation, self._settings.offline_after_s)

    def _commit_with_retry(self, state: CameraState, batch: CommitBatch) -> None:
        """Commit, waiting for Redis as long as it takes. A camera that another worker owns by now is released."""
        uncertain = False
        while True:
            self._progress += 1
            try:
                if uncertain and self._committer.applied(state, batch):
                    return
                self._committer.commit(state, batch)
            except LeaseLostError as error:
                self._cameras.release(state, error)
                return
            except BusUnavailableError as error:
                uncertain = True
                self._note_outage(error)
                if not self._freed_memory(error) and self._stopping.wait(0.5):
                    raise
            else:
                return

    def _freed_memory(self, error: BusUnavailableError) -> bool:
        """Whether Redis was full and something could be evicted: then the commit may be tried again at once."""
        if not isinstance(error, BusFullError) or self._stopping.is_set():
            return False
        try:
            return self._memory_pressure.evict(self._cameras)
        except BusUnavailableError:
            return False

    def _send_heartbeat(self) -> None:
        devices = {state.bank.engine.device for state in self._cameras if state.bank.engine}
        self._heartbeat.write(
            self._client,
            device=",".join(sorted(devices)) or "cpu",
            cameras=len(self._cameras),
            load=self._costs.load,
            failed_graphs=self._engines.failed_graphs,
            eager_pictures=self._engines.eager_pictures,
            **(self._recorder.facts if self._recorder else {}),
        )


def _trace(settings: Settings, clock: BusClock) -> ScoringTrace | None:
    """Raises `ConfigurationError` where frames shall be traced and OpenTelemetry is not installed."""
    if settings.trace_url is None:
        return None
    return ScoringTrace(SpanExport(settings.trace_url, Role.INFERENCE), settings.trace_one_in, clock)


def run(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT. Raises `FatalError` when it cannot work at all."""
    worker = InferenceWorker(settings)
    call_on_stop(worker.stop)
    worker.run()
