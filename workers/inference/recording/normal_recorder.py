"""Records the normal of all cameras of this worker, beside their scoring."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from models.engine.frame_scorer import FrameScore, FrameScorer
from models.frames.view import View
from models.memory.spans import SpanMs
from models.memory.stretches.stretch import Stretch
from patchwatch.contract.settings import Settings
from workers.inference.camera_state import CameraState
from workers.inference.recording.camera_recording import CameraRecording, Verdict
from workers.inference.recording.judged_frame import JudgedFrame
from workers.inference.recording.memory_writer import MemoryWriter
from workers.inference.recording.new_view import NewView

MOST_WAITING = 256  # frames, of all cameras: some 20 MB


class NormalRecorder:
    """Belongs to the scoring thread. Nothing that happens here changes a score, ends the worker or waits for a disk.

    Frames are put into ``waiting`` as they are judged, and recorded together, at least once a second and before there
    are more than `MOST_WAITING`: what is done with a frame is then no part of the way to its score.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._writer = MemoryWriter(settings.memory_mb)
        self._recordings: dict[str, CameraRecording] = {}  # by camera id
        self._new_views: dict[str, NewView] = {}  # of cameras over their level
        self.waiting: deque[JudgedFrame] = deque()  # those of each camera in order

    def record_waiting(self) -> None:
        """Remember the frames that wait."""
        while self.waiting:
            self._record(self.waiting.popleft())

    def _record(self, frame: JudgedFrame) -> None:
        try:
            verdict = self._verdict_on(frame)
            if verdict is not None:
                self._recording(frame).add(frame, frame.captured_ms, frame.features, verdict)
        except Exception as error:  # noqa: BLE001 (border: whatever is wrong here, scores go on)
            self._recordings.pop(frame.camera.id, None)
            self._writer.note_failure(frame.camera.id, error)

    def _verdict_on(self, frame: JudgedFrame) -> Verdict | None:
        """None for a frame without a score that cannot be learnt from."""
        if frame.scorer is None or frame.score is None:
            finite = all([np.isfinite(part.vectors).all() for part in frame.features])
            return frame.verdict if finite else None
        if frame.camera.id in self._new_views or frame.verdict.score >= frame.verdict.level:
            return self._judged_view(frame, frame.scorer, frame.score)
        return frame.verdict

    def interrupt(self, camera_id: str) -> None:
        """A frame at which the camera's view changed was left out: the next one begins a run."""
        self.record_waiting()
        if camera_id in self._recordings:
            self._recordings[camera_id].interrupt()

    def _judged_view(self, frame: JudgedFrame, scorer: FrameScorer, score: FrameScore) -> Verdict:
        """See `NewView`. A camera that is back under its level is followed no more."""
        camera_id = frame.camera.id
        view = self._new_views.setdefault(camera_id, NewView(camera_id))
        judged = view.judged(frame.verdict, frame, frame.features, scorer, score)
        if view.over:
            del self._new_views[camera_id]
        return judged

    def _forget_what_is_private(self, camera_id: str, view: View) -> None:
        """Pictures from before a privacy zone was drawn show what nobody may see any more."""
        recording = self._recordings.get(camera_id)
        if recording is not None and not set(view.hidden) <= set(recording.view.hidden):
            self._forget(camera_id)

    def _recording(self, frame: JudgedFrame) -> CameraRecording:
        camera, view = frame.camera, frame.view
        self._forget_what_is_private(camera.id, view)
        recording = self._recordings.get(camera.id)
        same_view = recording is not None and (recording.view is view or recording.view.counts_like(view))
        if recording is None or recording.engine is not frame.engine or not same_view:
            if recording is not None:
                self._end(recording)
            folder = self._settings.memory_path(camera.id, camera.profile)
            recording = CameraRecording(camera.id, frame.engine, view, folder, self._writer, self._settings.memory_mb)
            self._recordings[camera.id] = recording
        return recording

    def held(self, camera_id: str, spans: Sequence[SpanMs]) -> tuple[Stretch, ...]:
        """What is not on disk yet of a camera's memory and has frames within the spans."""
        self.record_waiting()
        recording = self._recordings.get(camera_id)
        return recording.held(spans) if recording is not None else ()

    def follow(self, cameras: Mapping[str, CameraState]) -> None:
        """These are the cameras of this worker now, by id. What others have left open is stored."""
        self.record_waiting()
        for camera_id, state in cameras.items():
            self._forget_what_is_private(camera_id, state.bank.context.mask.view)
        for gone in self._recordings.keys() - cameras.keys():
            self._end(self._recordings.pop(gone))
            self._new_views.pop(gone, None)
        for recording in self._recordings.values():
            recording.finish_if_silent()

    def erase(self, camera_id: str) -> None:
        """Forget everything about a camera, on disk too."""
        self.record_waiting()
        self._forget(camera_id)

    def _forget(self, camera_id: str) -> None:
        self._recordings.pop(camera_id, None)
        self._new_views.pop(camera_id, None)
        self._writer.erase(self._settings.memory_dir / camera_id)

    def settle(self, within_s: float, *, pausing: bool = False) -> bool:
        """Wait until what is finished is on disk, with what is open where no frames come for a while; whether it is by
        then. For footage that comes faster than it was filmed: live, nobody waits for a disk."""
        self.record_waiting()
        for recording in self._recordings.values() if pausing else ():
            recording.finish()
        return self._writer.settle(within_s)

    def stop(self) -> None:
        """Store what is open, within a limit."""
        self.follow({})
        self._writer.stop()

    def _end(self, recording: CameraRecording) -> None:
        recording.finish()
        self._writer.release(recording.folder)

    @property
    def facts(self) -> dict[str, Any]:
        """Of the heartbeat."""
        return {"memory_stretches": self._writer.written, "memory_dropped": dict(self._writer.dropped)}
