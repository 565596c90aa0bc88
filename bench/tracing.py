"""What tracing costs the threads that handle frames, per frame: switched off, on for a frame that is not traced, and
for one that is. ``python -m bench.tracing``.

Processor time of the thread, so that what else the machine does hardly counts. *Off* is the checks that stand in the
scoring and capture loops. The rest is every call that those loops make of a trace, in turns of `BATCH` frames; spans go
into the real queue of a collector that does not answer, which is the dearest case.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT)]  # also when run as a file

from bench.measure import RESULTS, spread, write  # noqa: E402
from patchwatch.bus.clock import BusClock  # noqa: E402
from patchwatch.messages.frames.frame import FrameFlag, FrameMessage  # noqa: E402
from workers.tracing.capture_trace import CaptureTrace  # noqa: E402
from workers.tracing.scoring_trace import ScoringTrace  # noqa: E402
from workers.tracing.span_export import SpanExport  # noqa: E402

BATCH = 16
ROUNDS, TURNS = 30, 60
NOWHERE = "http://127.0.0.1:9"  # nobody listens on the port for discarding
NEVER = 1_000_000


def frames() -> list[FrameMessage]:
    """Sequence numbers from 1: one in `NEVER` is none of them."""
    return [FrameMessage(1 + n, 10**18 + n, n, 640, 360, 640, 360, FrameFlag.LIVE, b"jpeg") for n in range(BATCH)]


def scoring(trace: ScoringTrace | None) -> Callable[[], None]:
    """A turn of the inference worker without its work."""
    batch = frames()

    def turn() -> None:
        if trace is not None:
            trace.begin(("gate", frame) for frame in batch)
        if trace is not None:
            trace.extracting([("gate", frame.seq) for frame in batch])
        if trace is not None:
            trace.extracted()
        for frame in batch:
            if trace is not None and frame is not None:
                trace.scored("gate", frame.seq)
        if trace is not None:
            trace.committed("gate", time.monotonic_ns(), [])

    return turn


def capturing(trace: CaptureTrace | None) -> Callable[[], None]:
    """So many frames of a capture process without its work; three packets come for each."""
    batch = frames()

    def packet() -> None:
        pass

    noted = trace.noting(packet) if trace else packet

    def turn() -> None:
        for frame in batch:
            for _ in range(3):
                noted()
            coded_ns = trace.coded(1) if trace else None
            began_ns = time.monotonic_ns() if trace else 0
            if trace and coded_ns:
                trace.published(frame, coded_ns, began_ns, queued=True)

    return turn


def per_frame_ns(turn: Callable[[], None]) -> float:
    start = time.thread_time_ns()
    for _ in range(TURNS):
        turn()
    return (time.thread_time_ns() - start) / TURNS / BATCH


def main() -> None:
    export, clock = SpanExport(NOWHERE, "bench"), BusClock()
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    programs = {
        "scoring, off": scoring(None),
        "scoring, on, frame not traced": scoring(ScoringTrace(export, NEVER, clock)),
        "scoring, on, frame traced": scoring(ScoringTrace(export, 1, clock)),
        "capture, off": capturing(None),
        "capture, on, frame not traced": capturing(CaptureTrace(export, "gate", NEVER, clock)),
        "capture, on, frame traced": capturing(CaptureTrace(export, "gate", 1, clock)),
    }
    costs: dict[str, list[float]] = {name: [] for name in programs}
    for number in range(1 + ROUNDS):
        for name, turn in programs.items():
            cost = per_frame_ns(turn)
            if number:  # the first warms up
                costs[name].append(cost)
    body = {"batch_frames": BATCH, "ns_per_frame": {name: spread(values) for name, values in costs.items()}}
    write("thread time of tracing, per frame", body, RESULTS / "tracing.json")


if __name__ == "__main__":
    main()
