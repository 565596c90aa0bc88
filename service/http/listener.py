"""The listening socket, and how many files and connections this process may open."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import resource
import socket
from typing import Any

log = logging.getLogger("patchwatch.service")
_RESERVED_FILES = 128  # for what is not a client: connections to Redis, static files, the log
MAX_CONNECTIONS = 8192
_OUT_OF_FILES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


def raise_open_files() -> int:
    """Raise the limit of open files as far as the system allows; returns the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with contextlib.suppress(ValueError, OSError):  # refused inside some containers
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            soft = hard
    return MAX_CONNECTIONS + _RESERVED_FILES if soft == resource.RLIM_INFINITY else soft


def connection_limit(open_files: int) -> int:
    """How many clients may be connected at once, where ``open_files`` files may be open."""
    return max(1, min(MAX_CONNECTIONS, max(open_files - _RESERVED_FILES, open_files // 2)))


class Listener(socket.socket):
    """A listening socket that closes new connections while the process is out of files, and logs that.

    asyncio by itself would log a traceback for each connection and leave it waiting.
    """

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._spare_file = _open_spare_file()

    def accept(self) -> tuple[socket.socket, Any]:
        """Raises `BlockingIOError` when there is no connection to accept, or no file for it."""
        try:
            return super().accept()
        except OSError as error:
            if error.errno not in _OUT_OF_FILES:
                raise
            log.warning("a new connection is closed (%s): raise the limit of open files", error.strerror)
            self._refuse_one()
            raise BlockingIOError from None

    def close(self) -> None:
        super().close()
        self._close_spare_file()

    def _refuse_one(self) -> None:
        """Accept and close one connection, with the file that is held open for this."""
        self._close_spare_file()
        with contextlib.suppress(OSError):
            super().accept()[0].close()
        self._spare_file = _open_spare_file()

    def _close_spare_file(self) -> None:
        if self._spare_file is not None:
            os.close(self._spare_file)
        self._spare_file = None


def _open_spare_file() -> int | None:
    try:
        return os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
