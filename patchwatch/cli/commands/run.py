"""``patchwatch run ROLE``: one role in this process, for scaling out over processes and hosts."""

from __future__ import annotations

import importlib
import logging
import os
import signal
import sys
import threading
import time
from typing import Annotated

import typer

from patchwatch.contract import logs
from patchwatch.contract.errors import EXIT_STAYS, BusUnavailableError, ConfigurationError
from patchwatch.contract.roles import Role
from patchwatch.contract.settings import load_settings

_RETRY_ADMISSION_S = 2.0
log = logging.getLogger(__name__)
_MODULES = {
    Role.INGEST: "workers.ingest.worker",
    Role.INFERENCE: "workers.inference.worker",
    Role.ENROLMENT: "workers.enrolment.worker",
    Role.DELIVERY: "workers.delivery.worker",
    Role.SERVICE: "service.server",
}


def run(
    role: Annotated[Role, typer.Argument(help="The role of this process.")],
    stop_with_parent: Annotated[
        bool, typer.Option("--stop-with-parent", hidden=True, help="Stop when standard input ends.")
    ] = False,
) -> None:
    """Run one role until SIGTERM or Ctrl-C. All roles of an installation share one Redis."""
    _let_threads_sleep()
    settings = load_settings()
    redis_url = settings.shared_redis_url
    logs.configure(settings.log_level, role.value, settings.log_format)
    if stop_with_parent:
        from workers.runtime.processes.parent_watch import stop_when_stdin_ends

        stop_when_stdin_ends()
    elif _is_memory_limited():
        from workers.runtime.processes.supervised_role import run_supervised

        sys.exit(run_supervised(role))
    _stop_when_the_terminal_closes()
    _admit(redis_url, settings.partitions)
    if settings.store_url is not None and role in (Role.INFERENCE, Role.ENROLMENT):
        from workers.sharing.mirror_thread import MirrorThread

        MirrorThread(settings).start()  # it ends with the process, at any moment
    importlib.import_module(_MODULES[role]).run(settings)


def _let_threads_sleep() -> None:
    """Threads of torch wait for one another asleep, in this process and in those that it starts, unless the user says
    otherwise. By default they wait in a loop, on cores that the captures and other roles need: a frame's detection
    took five times the processor time (docs/decisions/075-cpu.md). The library reads this when it is loaded."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def _is_memory_limited() -> bool:
    """Within such a limit native libraries crash without a word: somebody has to be left to say why."""
    from workers.runtime.processes.exit_reason import address_space_limit_mb

    return address_space_limit_mb() is not None


def _admit(redis_url: str, partitions: int) -> None:
    """A Redis that refuses us ends the role with one line; one that is unreachable is asked once it answers."""
    from patchwatch.bus.connection import admit

    try:
        admit(redis_url, partitions)
    except BusUnavailableError as error:
        log.warning("%s", error)
        threading.Thread(
            target=_admit_when_reachable, args=(redis_url, partitions), name="admission", daemon=True
        ).start()


def _admit_when_reachable(url: str, partitions: int) -> None:
    from patchwatch.bus.connection import admit

    while True:
        time.sleep(_RETRY_ADMISSION_S)
        try:
            admit(url, partitions)
        except BusUnavailableError:
            continue
        except ConfigurationError as error:
            log.critical("%s", error)
            os._exit(EXIT_STAYS)  # the role runs in the main thread, which does not watch this one
        return


def _stop_when_the_terminal_closes() -> None:
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup
        signal.signal(signal.SIGHUP, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
