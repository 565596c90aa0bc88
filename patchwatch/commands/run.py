"""``patchwatch run ROLE``: one role in this process, for scaling out over processes and hosts."""

from __future__ import annotations

import importlib
from typing import Annotated

import typer

from patchwatch import logs
from patchwatch.errors import ConfigurationError
from patchwatch.roles import Role
from patchwatch.settings import Settings, load_settings

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
        from workers.lifeline import stop_when_stdin_ends

        stop_when_stdin_ends()
    importlib.import_module(_MODULES[role]).run(settings)


def _need_shared_redis(settings: Settings) -> None:
    if settings.redis_url is None:
        raise ConfigurationError(
            "a single role needs the Redis it shares with the others: set PATCHWATCH_REDIS_URL, "
            "or use `patchwatch serve`, which brings up its own"
        )
