"""The last line of a process's standard error: why it died, for users who do not see its log."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress
from typing import IO

from patchwatch.contract.redaction import one_line, redact

_CHUNK_BYTES = 65_536
_KEPT_BYTES = 4096
_LONGEST_LINE = 300  # characters
_READ_WITHIN_S = 1.0  # a grandchild may hold the pipe open


class ErrorTail:
    """Forwards what a process writes to its standard error, and keeps the end of it. Closes ``pipe`` at its end."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe
        self._tail = b""
        self._thread = threading.Thread(target=self._forward, daemon=True, name="error tail")
        self._thread.start()

    def last_line(self) -> str:
        """The last line that is not blank, without secrets; empty if there is none. Call once the process has ended."""
        self._thread.join(_READ_WITHIN_S)
        lines = [line.strip() for line in self._tail.decode(errors="replace").splitlines()]
        return one_line(redact(next((line for line in reversed(lines) if line), "")), _LONGEST_LINE)

    def _forward(self) -> None:
        with self._pipe:
            while chunk := os.read(self._pipe.fileno(), _CHUNK_BYTES):
                self._tail = (self._tail + chunk)[-_KEPT_BYTES:]
                with suppress(
                    OSError, ValueError
                ):  # our own standard error is closed: the process must go on nevertheless
                    sys.stderr.write(chunk.decode(errors="replace"))
                    sys.stderr.flush()
