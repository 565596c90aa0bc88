"""Records the normal of all cameras of this worker, beside their scoring."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from models.engine.engine import Engine
from models.engine.frame_scorer import FrameScore, FrameScorer
from models.frames.frame import Features, Frame
from models.memory.spans import SpanMs
from models.memory.stretch import Stretch
from patchwatch.contract.settings import Settings
from workers.inference.camera_state import CameraState
from workers.inference.recording.camera_recording import CameraRecording, Verdict
from workers.inference.recording.memory_writer import MemoryWriter
from workers.inference.recording.new_view import NewView


class NormalRecorder:
    """Belongs to the scoring thread. Nothing that happens here changes a score, ends the worker or waits for a disk."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._writer = MemoryWriter(settings.memory_mb)
        self._recordings: dict[str, CameraRecording] = {}  # by camera id
        self._new_views: dict[str, NewView] = {}  # of cameras over their level

    def record(
        self,
        state: CameraState,
        frame: Frame,
        captured_ms: int,
        features: Sequence[Features],
        scorer: FrameScorer,
        score: FrameScore,
        *,
        wrong: bool,
    ) -> None:
        """Remember a scored frame. ``captured_ms``: Unix time. ``wrong``: the picture as a whole is.

        Not where the zones are others than those the bank was learnt with: then some places count that have none in
        the bank, and their features are left out.
        """
        self._forget_what_is_private(state)
        if not state.bank.context.mask.as_learnt:
            return
        event = scorer.open_event
        since_s = None if event is None else event.started_s
        wrong_since_s = _wrong_since_s(state, frame, captured_ms, wrong=wrong)
        verdict = Verdict(score.score, scorer.rule.on, since_s, wrong_since_s, score.score_without_additions)
        if state.camera.id in self._new_views or score.score >= scorer.rule.on:
            verdict = self._judged_view(state.camera.id, verdict, frame, features, scorer, score)
        if state.bank.engine is not None:
            self._add(state, state.bank.engine, frame, captured_ms, features, verdict)

    def record_unscored(
        self,
        state: CameraState,
        engine: Engine,
        frame: Frame,
        captured_ms: int,
        features: Sequence[Features],
        *,
        wrong: bool,
    ) -> None:
        """Remember a frame of a camera that has no bank yet."""
        self._forget_what_is_private(state)
        if all([np.isfinite(part.vectors).all() for part in features]):
            verdict = Verdict(condition_since_s=_wrong_since_s(state, frame, captured_ms, wrong=wrong))
            self._add(state, engine, frame, captured_ms, features, verdict)

    def _forget_what_is_private(self, state: CameraState) -> None:
        """Pictures from before a privacy zone was drawn show what nobody may see any more."""
        recording, hidden = self._recordings.get(state.camera.id), state.bank.context.mask.view.hidden
        if recording is not None and not set(hidden) <= set(recording.view.hidden):
            self.erase(state.camera.id)

    def _add(
        self,
        state: CameraState,
        engine: Engine,
        frame: Frame,
        captured_ms: int,
        features: Sequence[Features],
        verdict: Verdict,
    ) -> None:
        try:
            self._recording(state, engine).add(frame, captured_ms, features, verdict)
        except Exception as error:  # noqa: BLE001 (border: whatever is wrong here, scores go on)
            self._recordings.pop(state.camera.id, None)
            self._writer.note_failure(state.camera.id, error)

    def interrupt(self, camera_id: str) -> None:
        """A frame at which the camera's view changed was left out: the next one begins a run."""
        if camera_id in self._recordings:
            self._recordings[camera_id].interrupt()

    def _judged_view(
        self, camera_id: str, verdict: Verdict, frame: Frame, features: Sequence[Features], scorer: FrameScorer,
        score: FrameScore,
    ) -> Verdict:  # fmt: skip
        """See `NewView`. A camera that is back under its level is followed no more."""
        view = self._new_views.setdefault(camera_id, NewView(camera_id))
        judged = view.judged(verdict, frame, features, scorer, score)
        if view.over:
            del self._new_views[camera_id]
        return judged

    def _recording(self, state: CameraState, engine: Engine) -> CameraRecording:
        recording, view = self._recordings.get(state.camera.id), state.bank.context.mask.view
        same_view = recording is not None and (recording.view is view or recording.view.counts_like(view))
        if recording is None or recording.engine is not engine or not same_view:
            if recording is not None:
                self._end(recording)
            folder = self._settings.memory_path(state.camera.id, state.camera.profile)
            recording = CameraRecording(state.camera.id, engine, view, folder, self._writer, self._settings.memory_mb)
            self._recordings[state.camera.id] = recording
        return recording

    def held(self, camera_id: str, spans: Sequence[SpanMs]) -> tuple[Stretch, ...]:
        """What is not on disk yet of a camera's memory and has frames within the spans."""
        recording = self._recordings.get(camera_id)
        return recording.held(spans) if recording is not None else ()

    def follow(self, camera_ids: Iterable[str]) -> None:
        """These are the cameras of this worker now. What others have left open is stored."""
        for gone in self._recordings.keys() - set(camera_ids):
            self._end(self._recordings.pop(gone))
            self._new_views.pop(gone, None)
        for recording in self._recordings.values():
            recording.finish_if_silent()

    def erase(self, camera_id: str) -> None:
        """Forget everything about a camera, on disk too."""
        self._recordings.pop(camera_id, None)
        self._new_views.pop(camera_id, None)
        self._writer.erase(self._settings.memory_dir / camera_id)

    def settle(self, within_s: float, *, pausing: bool = False) -> bool:
        """Wait until what is finished is on disk, with what is open where no frames come for a while; whether it is by
        then. For footage that comes faster than it was filmed: live, nobody waits for a disk."""
        for recording in self._recordings.values() if pausing else ():
            recording.finish()
        return self._writer.settle(within_s)

    def stop(self) -> None:
        """Store what is open, within a limit."""
        self.follow(())
        self._writer.stop()

    def _end(self, recording: CameraRecording) -> None:
        recording.finish()
        self._writer.release(recording.folder)

    @property
    def facts(self) -> dict[str, Any]:
        """Of the heartbeat."""
        return {"memory_stretches": self._writer.written, "memory_dropped": dict(self._writer.dropped)}


def _wrong_since_s(state: CameraState, frame: Frame, captured_ms: int, *, wrong: bool) -> float | None:
    """Since when, on the camera's own time, the picture as a whole is not as it should be; None where it is. A
    transition is wrong as long as it lasts, a condition since it began, which is found out later."""
    condition = state.conditions.blocking
    if condition is not None:
        return frame.at_s - max(0, captured_ms - condition.since_ms) / 1000
    return frame.at_s if wrong else None
