"""Whatever a capture process says, the supervisor takes what is a report and goes on."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from fuzz_tally import Tally
from mutation import Mutator
from waiting import PATIENCE_S

from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.cameras.capture_status import CaptureStatus
from workers.ingest.capture.capture_status import CaptureStatusTracker
from workers.ingest.capture.monitor import CaptureMonitor
from workers.ingest.capture.process import CaptureProcess
from workers.ingest.capture.protocol import CaptureReport, ReportKind

KIND = "capture reports"
LINES = 10  # that one process says
_SAY = "import sys, shutil; shutil.copyfileobj(open(sys.argv[1], 'rb'), {}); {}.flush()"
REPORT = CaptureReport(
    kind=ReportKind.PROGRESS, seq=7, unpublished=1, decode_errors=2, last_frame_at_ms=1_795_000_000_000, width=640,
    height=480, codec="h264",
)  # fmt: skip
ENDED = CaptureReport(kind=ReportKind.ENDED, seq=8)


async def test_no_word_of_a_capture_ends_its_watch(tally: Tally, tmp_path: Path) -> None:
    lines: list[bytes] = []
    for mutator in tally.mutators(KIND):
        lines.append(damaged(mutator))
        if len(lines) == LINES:
            await heard(tally, lines, tmp_path / "said")
            lines.clear()
    if lines:
        await heard(tally, lines, tmp_path / "said")


async def heard(tally: Tally, lines: list[bytes], said: Path) -> None:
    said.write_bytes(b"\n".join([*lines, ENDED.encode()]) + b"\n")  # noqa: ASYNC240 (a few kilobytes)
    tracker = CaptureStatusTracker(Camera(id="cam", source="push:"), 5.0, None, lambda: None)
    tracker.start_process()
    script = "; ".join(_SAY.format(out, out) for out in ("sys.stderr.buffer", "sys.stdout.buffer"))
    process = CaptureProcess(
        await asyncio.create_subprocess_exec(sys.executable, "-c", script, said, stdin=-1, stdout=-1, stderr=-1)
    )
    try:
        async with asyncio.timeout(PATIENCE_S):
            outcome = await CaptureMonitor(tracker, timeout_s=2.0, quiet_s=2.0, live=False, memory_mb=2000).follow(
                process
            )
    finally:
        await process.stop()
    CaptureStatus.decode(tracker.current().encode())  # what is written of it can be read
    tally.count(KIND, f"heard to its {outcome.kind}", len(lines))


def damaged(mutator: Mutator) -> bytes:
    match mutator.random.randrange(7):
        case 0:
            return mutator.binary(500)
        case 1:
            return b"\xff\xfe" + REPORT.encode()
        case 2:
            return b"x" * mutator.random.choice([60_000, 70_000, 1_000_000])
        case _:
            return mutator.damaged(REPORT.encode())
