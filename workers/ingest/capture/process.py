"""A running capture process, seen from the supervisor."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys

from patchwatch.contract.child_environment import bare_environment
from patchwatch.contract.errors import InvalidMessageError
from patchwatch.contract.redaction import redact
from workers.ingest.capture.protocol import CaptureOrder, CaptureReport
from workers.runtime.processes.exit_reason import exit_reason

_STOP_WITHIN_S = 3.0
_KILLED_WITHIN_S = 5.0
_LINE_BYTES = 65_536  # A report is far shorter.
_NOISE_LINES = 100  # After so many lines that are not reports, the process counts as broken.

log = logging.getLogger("patchwatch.ingest")


class CaptureProcess:
    """Starts, reads and stops one ``python -m workers.ingest.capture.capture``."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._last_stderr_line = ""
        assert process.stdout is not None
        self._stdout = process.stdout
        self._stderr = asyncio.create_task(self._read_stderr())

    @classmethod
    async def start(cls, order: CaptureOrder) -> CaptureProcess:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "workers.ingest.capture.capture",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            limit=_LINE_BYTES, env=bare_environment(),  # the process decodes what strangers send
            process_group=0,  # Ctrl-C reaches only the supervisor, which stops its captures in order.
        )  # fmt: skip
        assert process.stdin is not None
        process.stdin.write(order.encode() + b"\n")
        return cls(process)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def last_stderr_line(self) -> str:
        """The last line of its standard error, without credentials."""
        return self._last_stderr_line

    async def ending(self) -> str:
        """Once it has closed its output: why it ended, with the last line of its standard error."""
        try:
            async with asyncio.timeout(_KILLED_WITHIN_S):
                reason = exit_reason(await self._process.wait())
                await self._stderr
        except TimeoutError:
            return self._last_stderr_line or "it closed its output, and does not end"
        return f"{self._last_stderr_line}; {reason}" if self._last_stderr_line else reason

    async def report(self) -> CaptureReport | None:
        """The next report; None once the process has ended. A process that writes too much else is killed."""
        for _ in range(_NOISE_LINES):
            try:
                if not (line := await self._stdout.readline()):
                    return None
                return CaptureReport.decode(line)
            except (InvalidMessageError, ValueError):  # Not a report, or an endless line, which was discarded.
                continue
        await self.kill()
        self._last_stderr_line = "it wrote something else than reports and was killed"
        return None

    def ask_to_stop(self) -> None:
        """Close its standard input, upon which it ends within a second or so."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    async def stop(self) -> CaptureReport | None:
        """Ask it to stop, and kill it if it does not. Returns its last report, if any, when it has ended."""
        last: CaptureReport | None = None
        self.ask_to_stop()
        try:
            async with asyncio.timeout(_STOP_WITHIN_S):
                while (report := await self.report()) is not None:
                    last = report
                await self._process.wait()
                await self._stderr
        except TimeoutError:
            await self.kill()
        return last

    async def kill(self) -> None:
        """Send SIGKILL. A process that waits for a disk or a network share may survive even that."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        try:
            async with asyncio.timeout(_KILLED_WITHIN_S):
                while await self._stdout.read(_LINE_BYTES):  # asyncio notices the end only when the pipe is drained.
                    pass
                await self._process.wait()
                await self._stderr
        except TimeoutError:
            self._stderr.cancel()
            log.warning("capture process %d was killed, but does not end: it waits for a disk or a share", self.pid)

    async def _read_stderr(self) -> None:
        assert self._process.stderr is not None
        with contextlib.suppress(ValueError):  # A line beyond the reader's limit.
            while line := await self._process.stderr.readline():
                self._last_stderr_line = redact(line.decode(errors="replace").strip())[:500] or self._last_stderr_line
        while await self._process.stderr.read(65536):
            pass
