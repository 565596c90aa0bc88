"""What a capture process writes cannot hang, swell or end its supervisor."""

from __future__ import annotations

import asyncio
import sys
from subprocess import PIPE

from waiting import PATIENCE_S

from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.cameras.capture_status import CaptureState, Reason
from workers.ingest.capture.capture_status import CaptureStatusTracker
from workers.ingest.capture.monitor import CaptureMonitor
from workers.ingest.capture.process import CaptureProcess
from workers.ingest.capture.protocol import CaptureReport, ReportKind

REPORT = CaptureReport(kind=ReportKind.PROGRESS, seq=7).encode().decode()


async def writing(code: str) -> CaptureProcess:
    """A process in a capture's place that runs ``code``."""
    return CaptureProcess(
        await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdin=PIPE, stdout=PIPE, stderr=PIPE)
    )


async def test_a_report_is_read_between_other_lines() -> None:
    process = await writing(f"print('noise'); print('x' * 500_000); print(b'\\xff'); print('{REPORT}')")
    assert await process.report() == CaptureReport(kind=ReportKind.PROGRESS, seq=7)
    assert await process.report() is None
    await process.stop()


async def test_a_process_that_writes_without_end_is_killed() -> None:
    for code in ("while True: print('x' * 1000)", "import sys\nwhile True: sys.stdout.write('x' * 100_000)"):
        async with asyncio.timeout(PATIENCE_S):
            process = await writing(code)
            assert await process.report() is None
            assert "killed" in process.last_stderr_line


async def test_a_flood_on_both_outputs_does_not_keep_a_process_from_being_stopped() -> None:
    code = "import sys\nwhile True: print('x' * 70_000); print('y' * 70_000, file=sys.stderr)"
    async with asyncio.timeout(PATIENCE_S):
        await (await writing(code)).stop()


async def test_a_capture_that_grows_beyond_its_limit_is_killed_and_says_so() -> None:
    tracker = CaptureStatusTracker(Camera(id="c", source="rtsp://h/x"), 5.0, None, lambda: None)
    watch = CaptureMonitor(tracker, timeout_s=10, quiet_s=10, live=True, memory_mb=100)
    grows = f"held.append(b'x' * 2_000_000); print('{REPORT}', flush=True); time.sleep(.01)"
    code = f"import time\nheld = []\nwhile True: {grows}"
    async with asyncio.timeout(PATIENCE_S):
        process = await writing(code)
        outcome = await watch.follow(process)
        await process.stop()
    assert (outcome.kind, outcome.reason) == (ReportKind.FAILED, Reason.MEMORY)
    assert "PATCHWATCH_CAPTURE_MEMORY_MB (100)" in outcome.detail
    assert tracker.captured == 7


async def test_a_process_that_grows_suddenly_meets_its_own_memory_limit() -> None:
    code = "from workers.ingest.capture.memory_limit import limit_own_memory as bound\nbound(256)\nbytes(600 << 20)"
    async with asyncio.timeout(PATIENCE_S):
        process = await writing(code)
        assert await process.report() is None
        await process.stop()
    assert process.last_stderr_line == "MemoryError"


async def test_the_camera_of_a_broken_capture_is_shown_as_crashed() -> None:
    tracker = CaptureStatusTracker(Camera(id="c", source="rtsp://h/x"), 5.0, None, lambda: None)
    watch = CaptureMonitor(tracker, timeout_s=10, quiet_s=10, live=True, memory_mb=1000)
    async with asyncio.timeout(PATIENCE_S):
        outcome = await watch.follow(await writing("while True: print('x' * 1000)"))
    assert (outcome.kind, outcome.reason) == (ReportKind.FAILED, Reason.CRASHED)
    assert "wrote something else than reports" in outcome.detail
    assert tracker.state is CaptureState.CONNECTING


async def test_a_capture_that_crashes_is_told_with_its_signal_and_the_usual_cause() -> None:
    tracker = CaptureStatusTracker(Camera(id="c", source="rtsp://h/x"), 5.0, None, lambda: None)
    monitor = CaptureMonitor(tracker, timeout_s=10, quiet_s=10, live=True, memory_mb=1000)
    async with asyncio.timeout(PATIENCE_S):
        outcome = await monitor.follow(await writing("import os; os.kill(os.getpid(), 11)"))
    assert outcome.reason == Reason.CRASHED
    assert "SIGSEGV: a native library crashed, most often because it got no memory" in outcome.detail
