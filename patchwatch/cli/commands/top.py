"""``patchwatch top``: all cameras in a terminal, as they are now."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from patchwatch.cli.options import Api, AsJson, rest_client
from patchwatch.cli.output import print_json
from patchwatch.cli.top_table import TopTable
from patchwatch.contract.errors import RetryableError
from patchwatch.rest_client import RestClient

_AROUND_TABLE = 6  # lines of a terminal that the title and the frame take
_MOST_ALERTS = 1000


def top(
    every: Annotated[float, typer.Option(min=0.5, max=60, help="Seconds from one look to the next.")] = 1.0,
    once: Annotated[bool, typer.Option("--once", help="Look once, print, and end.")] = False,
    api: Api = None,
    as_json: AsJson = False,
) -> None:
    """Show all cameras as they are now: health, lag, scores and open alerts. Ctrl-C ends it."""
    from rich.console import Console

    console, client, table = Console(), rest_client(api), TopTable()
    if as_json:
        statuses, alerts = _look(client)
        print_json({"statuses": statuses, "open_alerts": alerts})
        return
    if once or not console.is_terminal:
        statuses, alerts = _look(client)
        console.print(table.table(statuses, alerts, max(1, len(statuses))))
        return
    try:
        _follow(client, table, every)
    except KeyboardInterrupt:
        return


def _follow(client: RestClient, table: TopTable, every_s: float) -> None:
    from rich.console import Console, Group
    from rich.live import Live
    from rich.text import Text

    console = Console()
    shown: object = ""
    with Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            began = time.monotonic()
            note = Text("")
            try:
                statuses, alerts = _look(client)
                shown = table.table(statuses, alerts, max(1, console.height - _AROUND_TABLE))
            except RetryableError as error:  # the service may be restarting: what was seen last stays
                note = Text(str(error), "red")
            live.update(Group(shown, note), refresh=True)  # type: ignore[arg-type]
            time.sleep(max(0.1, every_s - (time.monotonic() - began)))


def _look(client: RestClient) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    statuses = client.get("/status")["statuses"]
    alerts = client.get(f"/alerts?state=open&limit={_MOST_ALERTS}")["alerts"]
    return statuses, alerts
