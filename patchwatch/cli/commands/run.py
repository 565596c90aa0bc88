"""``patchwatch run ROLE``: one role in this process, for scaling out over processes and hosts."""

from __future__ import annotations

import importlib
import logging
import os
import signal
import threading
import time
from typing import Annotated

import typer

from patchwatch.contract import logs
from patchwatch.contract.errors import EXIT_STAYS, BusUnavailableError, ConfigurationError
from patchwatch.contract.roles import Role
from patchwatch.contract.settings import Settings, load_settings

_ADMIT_AGAIN_S = 2.0
log = logging.getLogger(__name__)
_MODULES = {
    Role.INGEST: "workers.ingest.worker",
    Role.INFERENCE: "workers.inference.worker",
    Role.ENROLMENT: "workers.enrolment.worker",
    Role.DELIVERY: "workers.delivery.worker",
    Role.SERVICE: "service.server",
}


def run(
    role: Annotated[Role, typer.Argument(help="Which part of Patchwatch this process plays.")],
    stop_with_parent: Annotated[
        bool, typer.Option("--stop-with-parent", hidden=True, help="Stop when standard input ends.")
    ] = False,
) -> None:
    """Run one role until SIGTERM or Ctrl-C. All roles of an installation share one Redis."""
    settings = load_settings()
    _need_shared_redis(settings)
    logs.configure(settings.log_level, role.value)
    if stop_with_parent:
        from workers.runtime.parent_watch import stop_when_stdin_ends

        stop_when_stdin_ends()
    _stop_when_the_terminal_goes()
    _admit(settings)
    importlib.import_module(_MODULES[role]).run(settings)


def _admit(settings: Settings) -> None:
    """One that refuses ends the role with one line; one that is away now is asked once it is there."""
    from patchwatch.bus.connection import admit

    assert settings.redis_url is not None
    url = settings.redis_url.get_secret_value()
    try:
        admit(url, settings.partitions)
    except BusUnavailableError as error:
        log.warning("%s", error)
        threading.Thread(target=_admit_later, args=(url, settings.partitions), name="admission", daemon=True).start()


def _admit_later(url: str, partitions: int) -> None:
    from patchwatch.bus.connection import admit

    while True:
        time.sleep(_ADMIT_AGAIN_S)
        try:
            admit(url, partitions)
        except BusUnavailableError:
            continue
        except ConfigurationError as error:
            log.critical("%s", error)
            os._exit(EXIT_STAYS)  # the role works in the main thread, and does not look here
        return


def _stop_when_the_terminal_goes() -> None:
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup
        signal.signal(signal.SIGHUP, lambda *_: os.kill(os.getpid(), signal.SIGTERM))


def _need_shared_redis(settings: Settings) -> None:
    if settings.redis_url is None:
        raise ConfigurationError(
            "a single role needs the Redis it shares with the others: set PATCHWATCH_REDIS_URL, "
            "or use `patchwatch serve`, which brings up its own"
        )
