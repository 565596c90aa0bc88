"""``patchwatch alerts``: the alerts of a running service, over its REST API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from urllib.parse import parse_qs, urlencode, urlsplit

import typer

from patchwatch.cli.command_group import command_group
from patchwatch.cli.options import Api, AsJson, rest_client
from patchwatch.cli.output import print_json
from patchwatch.contract.errors import RejectedError
from patchwatch.messages.alert import AlertKind, AlertState

app = command_group("List and show the alerts of a running service.")

_PAGE = 1000  # the most that one answer of the API holds


@app.command("list")
def list_(
    camera: Annotated[list[str] | None, typer.Option(help="Only of this camera; repeatable.")] = None,
    kind: Annotated[list[AlertKind] | None, typer.Option(help="Only of this kind; repeatable.")] = None,
    state: Annotated[AlertState | None, typer.Option(help="Only those that are open, or closed.")] = None,
    day: Annotated[
        str | None, typer.Option(metavar="YYYY-MM-DD", help="Only those that started on this day (UTC).")
    ] = None,
    from_: Annotated[
        str | None,
        typer.Option("--from", metavar="TIME", help="Only those that started then or later (ISO 8601)."),
    ] = None,
    to: Annotated[
        str | None, typer.Option("--to", metavar="TIME", help="Only those that started then or earlier.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Show at most this many, the newest.")] = 100,
    api: Api = None,
    as_json: AsJson = False,
) -> None:
    """List alerts, newest first."""
    if day is not None and (from_ is not None or to is not None):
        raise RejectedError("give --day, or --from and --to, not both")
    if day is not None:
        from_ = to = _checked_day(day)
    filters: list[tuple[str, Any]] = [("camera", name) for name in camera or ()] + [("kind", one) for one in kind or ()]
    filters += [(name, value) for name, value in (("state", state), ("from", from_), ("to", to)) if value is not None]
    alerts = _alerts(api, filters, limit)
    if as_json:
        print_json(alerts)
        return
    if not alerts:
        typer.echo("no alerts match", err=True)
    for alert in alerts:
        typer.echo(_line(alert))


@app.command("show")
def show(
    alert: Annotated[
        str, typer.Argument(metavar="ALERT", help="Id of the alert, as `patchwatch alerts list` shows it.")
    ],
    api: Api = None,
    as_json: AsJson = False,
) -> None:
    """Show one alert with all its fields."""
    fields = rest_client(api).get(f"/alerts/{alert}")
    if as_json:
        print_json(fields)
        return
    for name, value in fields.items():
        if value is not None and value != "":
            typer.echo(f"{name:<15} {_shown(value)}")


def _checked_day(text: str) -> str:
    try:
        return datetime.strptime(text, "%Y-%m-%d").date().isoformat()
    except ValueError:
        raise RejectedError(f"--day {text} is not a day: write it as 2026-11-23") from None


def _alerts(api: str | None, filters: list[tuple[str, Any]], limit: int) -> list[dict[str, Any]]:
    """Up to ``limit`` alerts, of as many answers as that takes."""
    client, alerts = rest_client(api), list[dict[str, Any]]()
    position: list[tuple[str, Any]] = []
    while True:
        query = urlencode([*filters, ("limit", min(_PAGE, limit - len(alerts))), *position])
        answer = client.get(f"/alerts?{query}")
        alerts += answer["alerts"]
        if answer["next"] is None or len(alerts) >= limit:
            return alerts
        position = [("before", parse_qs(urlsplit(answer["next"]).query)["before"][0])]


def _line(alert: dict[str, Any]) -> str:
    score = (
        ""
        if alert["peak_score"] is None
        else f"  score {alert['peak_score']:.3f}, alerts above {alert['threshold']:.3f}"
    )
    detail = f"  {alert['detail']}" if alert["detail"] else ""
    detail += f"  in {', '.join(alert['zones'])}" if alert.get("zones") else ""
    return f"{alert['id']:<32} {alert['kind']:<14} {alert['state']:<7} {alert['started']}{score}{detail}"


def _shown(value: Any) -> str:
    if isinstance(value, list):  # names of zones
        return ", ".join(value) or "-"
    if isinstance(value, dict):  # the region
        return ", ".join(f"{name} {number}" for name, number in value.items())
    return str(value)
