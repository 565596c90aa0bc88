"""The last line of a process's standard error: why it died, for those who have no log of it."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress
from typing import IO

from patchwatch.contract.plain_text import one_line
from patchwatch.contract.redaction import redact

_CHUNK_BYTES = 65_536
_KEPT_BYTES = 4096
_SHOWN = 300  # characters
_HEARD_WITHIN_S = 1.0  # a grandchild may hold the pipe open


class LastWords:
    """Passes on what a process writes to its standard error, and keeps the end of it. Closes ``pipe`` at its end."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe
        self._tail = b""
        self._thread = threading.Thread(target=self._listen, daemon=True, name="last words")
        self._thread.start()

    def line(self) -> str:
        """Its last line that says something, without secrets; empty when it said nothing. For one that has ended."""
        self._thread.join(_HEARD_WITHIN_S)
        lines = [line.strip() for line in self._tail.decode(errors="replace").splitlines()]
        return one_line(redact(next((line for line in reversed(lines) if line), "")), _SHOWN)

    def _listen(self) -> None:
        with self._pipe:
            while chunk := os.read(self._pipe.fileno(), _CHUNK_BYTES):
                self._tail = (self._tail + chunk)[-_KEPT_BYTES:]
                with suppress(OSError, ValueError):  # nobody reads ours: the process goes on all the same
                    sys.stderr.write(chunk.decode(errors="replace"))
                    sys.stderr.flush()
