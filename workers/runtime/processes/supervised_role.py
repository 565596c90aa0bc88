"""One role in a process of its own, so that somebody is left to say why it ended."""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
from types import FrameType

from patchwatch.contract.errors import EXIT_STAYS
from patchwatch.contract.roles import Role
from workers.runtime.processes.exit_reason import exit_reason

log = logging.getLogger(__name__)
_FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def role_command(role: Role) -> list[str]:
    """The command line of one role. ``-P``: a folder ``models`` in the working directory must not shadow ours."""
    return [sys.executable, "-P", "-m", "patchwatch", "run", role.value, "--stop-with-parent"]


def run_supervised(role: Role) -> int:
    """Run a role, passing signals on, and return its exit code. A crash is logged, and becomes `EXIT_STAYS`.

    For the main thread.
    """
    asked: list[int] = []
    started: list[subprocess.Popen[bytes]] = []

    def forward(number: int, _: FrameType | None) -> None:
        asked.append(number)
        for process in started:
            process.send_signal(number)

    for number in _FORWARDED:  # before it starts: a signal meanwhile must not leave it alone
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup
            signal.signal(number, forward)
    # Its standard input is a pipe that ends with us (see `workers.runtime.processes.parent_watch`).
    with subprocess.Popen(role_command(role), stdin=subprocess.PIPE, process_group=0, bufsize=0) as process:
        started.append(process)
        for early in list(asked):
            process.send_signal(early)
        code = process.wait()
    if code in (0, EXIT_STAYS) or -code in asked:
        return max(code, 0)
    log.critical("%s ended: %s", role.value, exit_reason(code))
    return code if code > 0 else EXIT_STAYS
