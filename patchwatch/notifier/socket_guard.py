"""Holds a whole process to the address policy: whatever library connects, its connection is judged when it is made.

It cannot be taken off again, so it belongs into a process that does nothing else.
"""

from __future__ import annotations

import sys
from typing import Any

from patchwatch.contract.address_policy import allowed_addresses
from patchwatch.contract.errors import DestinationForbiddenError

_CONNECTS = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
_STARTS_PROGRAMS = frozenset(
    {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.forkpty", "pty.spawn"}
)


class SocketGuard:
    """``refusal``: why the last connection that was not allowed was not."""

    def __init__(self, reach: str) -> None:
        self._reach = reach
        self.refusal: str | None = None

    def install(self) -> None:
        """From now on, for good: connections elsewhere fail with `OSError`, and so does the start of a program."""
        sys.addaudithook(self._check)

    def _check(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in _CONNECTS:
            self._judge(arguments[1])
        elif event in _STARTS_PROGRAMS:
            raise PermissionError("a message is sent without the help of other programs")

    def _judge(self, address: Any) -> None:
        if address is None:  # a datagram on a socket that is connected
            return
        try:
            # A name is refused: it would be resolved after this look.
            host = str(address[0]) if isinstance(address, tuple) else ""
            allowed_addresses([host], self._reach)
        except (DestinationForbiddenError, ValueError) as error:
            known = isinstance(error, DestinationForbiddenError)
            self.refusal = str(error) if known else "alerts are sent over the network alone"
            raise PermissionError(self.refusal) from None
