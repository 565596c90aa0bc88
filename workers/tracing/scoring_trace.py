"""The part of a frame's way that an inference worker goes: queue, batch, extraction, score, commit."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from patchwatch.bus.clock import BusClock
from patchwatch.messages.frames.frame import FrameMessage
from workers.tracing.frame_identity import is_traced
from workers.tracing.span_export import Span, SpanExport


@dataclass
class _Passage:
    """Monotonic nanoseconds at which a frame passed each step; 0: not yet."""

    camera_id: str
    message: FrameMessage
    taken_ns: int
    extract_ns: int = 0
    extracted_ns: int = 0
    score_ns: int = 0
    scored_ns: int = 0
    batch_frames: int = 0


class ScoringTrace:
    """Of the frames of one turn, which `begin` starts; one thread."""

    def __init__(self, export: SpanExport, one_in: int, clock: BusClock) -> None:
        self._export = export
        self._one_in = one_in
        self._clock = clock
        self._passages: dict[tuple[str, int], _Passage] = {}
        self._batch: list[_Passage] = []
        self._mark_ns = 0

    def begin(self, taken: Iterable[tuple[str, FrameMessage | None]]) -> None:
        """Frames, each with its camera's id, were taken from the queue."""
        now_ns = time.monotonic_ns()
        self._passages = {
            (camera_id, message.seq): _Passage(camera_id, message, now_ns)
            for camera_id, message in taken
            if message is not None and is_traced(message.seq, self._one_in)
        }

    def extracting(self, frames: Sequence[tuple[str, int]]) -> None:
        """The features of these frames, named by camera and sequence number, are extracted from now on, in a batch."""
        now_ns = time.monotonic_ns()
        self._batch = [passage for frame in frames if (passage := self._passages.get(frame))]
        for passage in self._batch:
            passage.extract_ns, passage.batch_frames = now_ns, len(frames)

    def extracted(self) -> None:
        """The features of that batch are there."""
        self._mark_ns = time.monotonic_ns()
        for passage in self._batch:
            passage.extracted_ns = self._mark_ns

    def scored(self, camera_id: str, seq: int) -> None:
        """One frame was scored since the last call, or since `extracted`."""
        before_ns, self._mark_ns = self._mark_ns, time.monotonic_ns()
        if passage := self._passages.get((camera_id, seq)):
            passage.score_ns, passage.scored_ns = before_ns, self._mark_ns

    def committed(self, camera_id: str, began_ns: int, alert_ids: Iterable[str] = ()) -> None:
        """What a turn has made of a camera's frames was committed, since ``began_ns`` (monotonic): send their spans."""
        ended_ns = time.monotonic_ns()
        told = ",".join(dict.fromkeys(alert_ids))
        for passage in [one for one in self._passages.values() if one.camera_id == camera_id]:
            self._send(passage, began_ns, ended_ns, told)

    def stop(self) -> None:
        """Send what waits."""
        self._export.stop()

    def _send(self, passage: _Passage, began_ns: int, ended_ns: int, alerts: str) -> None:
        offset_ns = self._clock.offset_ns
        captured_ns, taken_ns = passage.message.captured_at_ns, passage.taken_ns + offset_ns
        begin_ns = min(captured_ns, taken_ns) if passage.message.live else taken_ns
        steps = [Span("queue", begin_ns, taken_ns)] if passage.message.live else []
        if passage.extract_ns:
            batch = {"patchwatch.batch_frames": passage.batch_frames}
            steps += [
                Span("batch", taken_ns, passage.extract_ns + offset_ns),
                Span("extract", passage.extract_ns + offset_ns, passage.extracted_ns + offset_ns, batch),
            ]
        if passage.scored_ns:
            steps.append(Span("score", passage.score_ns + offset_ns, passage.scored_ns + offset_ns))
        steps.append(Span("commit", began_ns + offset_ns, ended_ns + offset_ns))
        facts: dict[str, str | bool] = {"patchwatch.scored": bool(passage.scored_ns)}
        if alerts:
            facts["patchwatch.alerts"] = alerts
        whole = Span("frame", begin_ns, ended_ns + offset_ns, facts)
        self._export.send(passage.camera_id, passage.message, steps, whole)
