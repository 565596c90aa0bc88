"""``patchwatch serve``: everything on this machine, in one process tree."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from patchwatch.contract import logs
from patchwatch.contract.settings import load_settings


def serve(
    host: Annotated[str | None, typer.Option(help="Address of the REST and WebSocket service.")] = None,
    port: Annotated[int | None, typer.Option(help="Its port; 0: any free one.")] = None,
    rtsp_port: Annotated[int | None, typer.Option(help="Port that cameras publish to; 0: any free one.")] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Folder of the queue, banks and media.")] = None,
) -> None:
    """Run ingest, inference, enrolment, delivery and the service until Ctrl-C. Options override settings."""
    options = {"host": host, "port": port, "rtsp_port": rtsp_port, "data_dir": data_dir}
    settings = load_settings(**{name: value for name, value in options.items() if value is not None})
    logs.configure(settings.log_level, "serve", settings.log_format)
    from workers.runtime.processes.process_tree import serve as serve_until_stopped

    serve_until_stopped(settings)
