"""The listening socket, and how many files and connections this process may have open."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import resource
import socket
from typing import Any

log = logging.getLogger("patchwatch.service")
_FOR_OTHERS = 128  # open files that are no clients: Redis' connections, static files, the log
MOST_CONNECTIONS = 8192
_OUT_OF_FILES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


def raise_open_files() -> int:
    """Let this process open as many files as the system allows it to; returns how many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with contextlib.suppress(ValueError, OSError):  # refused inside some containers
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            soft = hard
    return MOST_CONNECTIONS + _FOR_OTHERS if soft == resource.RLIM_INFINITY else soft


def most_connections(open_files: int) -> int:
    """How many clients may be connected at once, where so many files may be open."""
    return max(1, min(MOST_CONNECTIONS, max(open_files - _FOR_OTHERS, open_files // 2)))


class Listener(socket.socket):
    """Takes no part in asyncio's answer to a process that is out of files, which is to log a traceback for each
    connection that waits: it closes that connection, so that the next one gets its turn, and says so once a minute.
    """

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._spare = _open_spare()

    def accept(self) -> tuple[socket.socket, Any]:
        """Raises `BlockingIOError` where there is nothing to accept, or no room to."""
        try:
            return super().accept()
        except OSError as error:
            if error.errno not in _OUT_OF_FILES:
                raise
            log.warning("a connection is closed unheard (%s): raise the limit of open files", error.strerror)
            self._turn_away()
            raise BlockingIOError from None

    def close(self) -> None:
        super().close()
        self._give_up_spare()

    def _turn_away(self) -> None:
        """Accept and close one connection with the file that is kept in reserve for this."""
        self._give_up_spare()
        with contextlib.suppress(OSError):
            super().accept()[0].close()
        self._spare = _open_spare()

    def _give_up_spare(self) -> None:
        if self._spare is not None:
            os.close(self._spare)
        self._spare = None


def _open_spare() -> int | None:
    try:
        return os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
