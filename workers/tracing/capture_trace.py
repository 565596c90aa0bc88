"""The part of a frame's way that its capture process goes: decoding, encoding, publishing."""

from __future__ import annotations

import time
from collections.abc import Callable

from patchwatch.bus.clock import BusClock
from patchwatch.messages.frames.frame import FrameMessage
from workers.tracing.frame_identity import is_traced
from workers.tracing.span_export import Span, SpanExport


class CaptureTrace:
    """Of one camera; one thread. Times are monotonic until they are sent."""

    def __init__(self, export: SpanExport, camera_id: str, one_in: int, clock: BusClock) -> None:
        self._export = export
        self._camera_id = camera_id
        self._one_in = one_in
        self._clock = clock
        self._packet_ns = 0

    def noting(self, on_packet: Callable[[], None]) -> Callable[[], None]:
        """The same callback, which also notes when a packet has arrived."""

        def noted() -> None:
            on_packet()
            self._packet_ns = time.monotonic_ns()

        return noted

    def coded(self, decoded_ns: int) -> tuple[int, int, int]:
        """When the frame's last packet had arrived, and when it was decoded and encoded: now."""
        return self._packet_ns or decoded_ns, decoded_ns, time.monotonic_ns()

    def published(self, message: FrameMessage, coded_ns: tuple[int, int, int], began_ns: int, *, queued: bool) -> None:
        """The frame was published just now, or could not be."""
        if not is_traced(message.seq, self._one_in):
            return
        offset_ns = self._clock.offset_ns
        packet_ns, decoded_ns, encoded_ns = (at_ns + offset_ns for at_ns in coded_ns)
        published = {"patchwatch.queued": queued, "patchwatch.jpeg_bytes": len(message.jpeg)}
        spans = [
            Span("decode", packet_ns, decoded_ns),
            Span("encode", decoded_ns, encoded_ns),
            Span("publish", began_ns + offset_ns, time.monotonic_ns() + offset_ns, published),
        ]
        self._export.send(self._camera_id, message, spans)
