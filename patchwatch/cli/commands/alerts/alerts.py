"""``patchwatch alerts``: the alerts of a running service, over its REST API."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import typer

from patchwatch.cli.command_group import command_group
from patchwatch.cli.commands.alerts.watch import alert_messages
from patchwatch.cli.evidence_text import evidence_text
from patchwatch.cli.options import Api, AsJson, rest_client
from patchwatch.cli.output import print_json
from patchwatch.contract.errors import RejectedError
from patchwatch.messages.alerts.alert import AlertKind, AlertState
from patchwatch.messages.alerts.verdict import MAX_NOTE_LENGTH, Verdict

app = command_group("List, show and judge the alerts of a running service.")

_PAGE = 1000  # the most that one answer of the API holds
_SAID = {
    Verdict.NORMAL: "normal here",
    Verdict.NORMAL_AT_THIS_TIME: "normal at this time",
    Verdict.ANOMALY: "a real anomaly",
    Verdict.UNSURE: "not sure",
}

AlertId = Annotated[str, typer.Argument(metavar="ALERT", help="Id of the alert, as `patchwatch alerts list` shows it.")]
Note = Annotated[
    str, typer.Option(metavar="TEXT", help=f"A line for whoever reads it later, up to {MAX_NOTE_LENGTH} characters.")
]


@app.command("list")
def list_(
    camera: Annotated[list[str] | None, typer.Option(help="Only of this camera; repeatable.")] = None,
    kind: Annotated[list[AlertKind] | None, typer.Option(help="Only of this kind; repeatable.")] = None,
    state: Annotated[AlertState | None, typer.Option(help="Only those that are open, or closed.")] = None,
    verdict: Annotated[list[Verdict] | None, typer.Option(help="Only with this verdict; repeatable.")] = None,
    reviewed: Annotated[
        bool | None, typer.Option("--reviewed/--unreviewed", help="Only those with a verdict, or without.")
    ] = None,
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
    several: dict[str, Any] = {"camera": camera, "kind": kind, "verdict": verdict}
    single = {"state": state, "from": from_, "to": to, "reviewed": None if reviewed is None else str(reviewed).lower()}
    filters = [(name, value) for name, values in several.items() for value in values or ()]
    filters += [(name, value) for name, value in single.items() if value is not None]
    alerts = _alerts(api, filters, limit)
    if as_json:
        print_json(alerts)
        return
    if not alerts:
        typer.echo("no alerts match", err=True)
    for alert in alerts:
        typer.echo(_line(alert))


@app.command("watch")
def watch(
    camera: Annotated[list[str] | None, typer.Option(help="Only of this camera; repeatable.")] = None,
    api: Api = None,
    as_json: AsJson = False,
) -> None:
    """Print alerts as they open, rise and close, until Ctrl-C. A restart of the service costs none."""
    for message in alert_messages(rest_client(api), camera or ()):
        if as_json:
            print_json(message)
        elif message["type"] == "alert":
            typer.echo(f"{message['change']:<7} {_line(message['alert'])}")
        elif message["type"] == "verdict":
            typer.echo(f"{'verdict':<7} {_line(message['alert'])}")
        elif message.get("unknown_cameras"):
            typer.echo(f"there is no camera {', '.join(message['unknown_cameras'])} yet", err=True)
        sys.stdout.flush()


@app.command("show")
def show(
    alert: AlertId,
    api: Api = None,
    as_json: AsJson = False,
) -> None:
    """Show one alert with all its fields."""
    fields = rest_client(api).get(f"/alerts/{quote(alert, safe='')}")
    if as_json:
        print_json(fields)
        return
    for name, value in fields.items():
        if value is not None and value != "":
            typer.echo(f"{name:<15} {_shown(value)}")


@app.command("evidence")
def evidence(
    alert: AlertId,
    into: Annotated[
        Path | None, typer.Option(metavar="FILE.zip", help="Write all of it into this archive. Without: show it.")
    ] = None,
    keep: Annotated[
        bool | None, typer.Option("--keep/--let-go", help="Keep it whatever its age, or no longer than other.")
    ] = None,
    api: Api = None,
    as_json: AsJson = False,
) -> None:
    """Show what clip and pictures there are of an alert, or fetch them as an archive."""
    path, client = f"/alerts/{quote(alert, safe='')}", rest_client(api)
    if keep is not None:
        client.request("PUT" if keep else "DELETE", f"{path}/evidence/keep")
    fields = client.get(f"{path}/evidence")
    if into is not None:
        client.download(f"{path}/evidence.zip", into)
    print_json(fields) if as_json else typer.echo(evidence_text(fields))
    if into is not None:
        typer.echo(f"written to {into}: `patchwatch evidence verify {into}` checks it", err=True)


@app.command("normal")
def normal(
    alert: AlertId,
    at_this_time: Annotated[bool, typer.Option("--at-this-time", help="Normal at this hour, every day.")] = False,
    weekly: Annotated[bool, typer.Option("--weekly", help="Normal at this hour, on this day of the week.")] = False,
    note: Note = "",
    api: Api = None,
    as_json: AsJson = False,
) -> None:
    """Say that an alert shows what is normal here. Within seconds, the same raises no alert any more."""
    verdict = Verdict.NORMAL_AT_THIS_TIME if at_this_time or weekly else Verdict.NORMAL
    _say(api, alert, verdict, note, as_json, weekly=weekly)


@app.command("confirm")
def confirm(alert: AlertId, note: Note = "", api: Api = None, as_json: AsJson = False) -> None:
    """Say that an alert was right: a real anomaly. No bank learns from it."""
    _say(api, alert, Verdict.ANOMALY, note, as_json)


@app.command("unsure")
def unsure(alert: AlertId, note: Note = "", api: Api = None, as_json: AsJson = False) -> None:
    """Say that you looked at an alert, and cannot tell."""
    _say(api, alert, Verdict.UNSURE, note, as_json)


@app.command("undo")
def undo(alert: AlertId, api: Api = None, as_json: AsJson = False) -> None:
    """Take back the verdict on an alert, and what it changed."""
    fields = rest_client(api).delete(_verdict_path(alert))
    print_json(fields) if as_json else typer.echo(f"{fields['id']} has no verdict any more")


def _say(api: str | None, alert: str, verdict: Verdict, note: str, as_json: bool, *, weekly: bool = False) -> None:
    body = {"verdict": verdict.value, "note": note} | ({"weekly": True} if weekly else {})
    fields = rest_client(api).put(_verdict_path(alert), body)
    if as_json:
        print_json(fields)
        return
    typer.echo(f"{fields['id']} is reviewed: {_said(fields['verdict'])}")
    typer.echo(fields["effect"], err=True)


def _verdict_path(alert: str) -> str:
    return f"/alerts/{quote(alert, safe='')}/verdict"


def _said(verdict: dict[str, Any]) -> str:
    words = _SAID.get(verdict["verdict"], verdict["verdict"])
    return f"{words} ({verdict['note']})" if verdict["note"] else words


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
    verdict = f"  {_said(alert['verdict'])}" if alert.get("verdict") else ""
    return f"{alert['id']:<32} {alert['kind']:<14} {alert['state']:<7} {alert['started']}{score}{detail}{verdict}"


def _shown(value: Any) -> str:
    if isinstance(value, list):  # names of zones
        return ", ".join(value) or "-"
    if isinstance(value, dict) and "verdict" in value:
        return f"{_said(value)}, by {value['by']} at {value['at']}"
    if isinstance(value, dict):  # the region
        return ", ".join(f"{name} {number}" for name, number in value.items())
    return str(value)
