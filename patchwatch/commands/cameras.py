"""``patchwatch cameras``: the cameras of a running service, over its REST API, so that it alone says what is valid."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

import typer

from patchwatch.commands.api import ask
from patchwatch.commands.threshold_text import budget, spread, threshold_lines
from patchwatch.errors import RejectedError
from patchwatch.messages.camera import Pace, Transport
from patchwatch.messages.threshold import AlarmThreshold
from patchwatch.settings import load_settings

app = typer.Typer(no_args_is_help=True, help="Add, list, change and remove the cameras of a running service.")

_Api = Annotated[
    str | None, typer.Option("--api", help="Address of the service. Default: PATCHWATCH_HOST and PATCHWATCH_PORT.")
]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Budget = Annotated[
    float | None,
    typer.Option(help="Accepted: sets its alert threshold. Default: PATCHWATCH_FALSE_ALARMS_PER_DAY."),
]
_Id = Annotated[str, typer.Argument(metavar="ID", help="Small letters, digits, '-' and '_'.")]


@app.command("add")
def add(
    id: _Id,
    source: Annotated[
        str,
        typer.Argument(
            help="rtsp://..., rtsps://..., file:/PATH, or push: (the camera publishes to us). "
            "-: read it from standard input, so that a password in it shows in no process list."
        ),
    ] = "push:",
    profile: Annotated[
        str | None, typer.Option(help="How it is analysed: motion, objects, clip, reference, or your own.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="A name for people.")] = None,
    fps: Annotated[
        float | None, typer.Option(help="Frames analysed per second. Default: PATCHWATCH_ANALYSIS_FPS.")
    ] = None,
    pace: Annotated[Pace | None, typer.Option(help="How a file is read.")] = None,
    loop: Annotated[bool, typer.Option("--loop", help="Start a file again at its end.")] = False,
    transport: Annotated[Transport | None, typer.Option(help="RTSP media transport of a pulled camera.")] = None,
    false_alarms_per_day: _Budget = None,
    publish_username: Annotated[str | None, typer.Option(help="Required from whoever publishes this camera.")] = None,
    publish_password_stdin: Annotated[
        bool, typer.Option("--publish-password-stdin", help="Read the publisher's password from standard input.")
    ] = False,
    api: _Api = None,
    as_json: _Json = False,
) -> None:
    """Add a camera. It is captured at once, and scored as soon as it has a bank (`patchwatch enroll`)."""
    body: dict[str, Any] = {
        "id": id, "source": _line() if source == "-" else source, "profile": profile, "name": name,
        "analysis_fps": fps, "pace": pace, "loop": loop or None, "transport": transport,
        "false_alarms_per_day": false_alarms_per_day,
        "publish_username": publish_username, "publish_password": _line() if publish_password_stdin else None,
    }  # fmt: skip
    given = {field: value for field, value in body.items() if value is not None}
    _show(ask(load_settings(), api, "POST", "/cameras", given), as_json)


@app.command("list")
def list_(api: _Api = None, as_json: _Json = False) -> None:
    """List all cameras."""
    answer = ask(load_settings(), api, "GET", "/cameras")
    cameras = answer["cameras"] if isinstance(answer, dict) else answer
    if as_json:
        typer.echo(json.dumps(cameras))
        return
    if not cameras:
        typer.echo("no cameras; add one: patchwatch cameras add ID SOURCE", err=True)
    for camera in cameras:
        _show(camera, as_json=False)


@app.command("set")
def set_(
    id: _Id,
    false_alarms_per_day: _Budget = None,
    default_budget: Annotated[
        bool, typer.Option("--default-budget", help="Go back to PATCHWATCH_FALSE_ALARMS_PER_DAY.")
    ] = False,
    name: Annotated[str | None, typer.Option(help="A name for people.")] = None,
    api: _Api = None,
    as_json: _Json = False,
) -> None:
    """Change a camera. Another alarm budget holds at once; `cameras thresholds` shows what it means."""
    body: dict[str, Any] = {} if name is None else {"name": name}
    if default_budget or false_alarms_per_day is not None:
        if default_budget and false_alarms_per_day is not None:
            raise RejectedError("give --false-alarms-per-day or --default-budget, not both")
        body["false_alarms_per_day"] = false_alarms_per_day
    if not body:
        raise RejectedError("nothing to change: give --false-alarms-per-day, --default-budget or --name")
    _show(ask(load_settings(), api, "PATCH", f"/cameras/{id}", body), as_json)


@app.command("thresholds")
def thresholds(id: _Id, api: _Api = None, as_json: _Json = False) -> None:
    """Show the alert threshold of a camera, and what other alarm budgets would mean."""
    answer = ask(load_settings(), api, "GET", f"/cameras/{id}/thresholds")
    if as_json:
        typer.echo(json.dumps(answer))
        return
    if answer["threshold"] is None:
        typer.echo(f"{id} has no bank yet: learn one with `patchwatch enrolments add {id} --live 600`", err=True)
        return
    for line in threshold_lines(AlarmThreshold.model_validate(answer["threshold"])):
        typer.echo(line)
    typer.echo("\n  budget per day  alerts above  expected per day")
    for one in (AlarmThreshold.model_validate(found) for found in answer["thresholds"]):
        short = "" if one.supported else "  too little footage"
        typer.echo(f"  {budget(one):>14}  {one.on:>12.3f}  {spread(one)}{short}")


@app.command("enable")
def enable(id: _Id, api: _Api = None, as_json: _Json = False) -> None:
    """Capture and score a camera again."""
    _show(ask(load_settings(), api, "PATCH", f"/cameras/{id}", {"enabled": True}), as_json)


@app.command("disable")
def disable(id: _Id, api: _Api = None, as_json: _Json = False) -> None:
    """Stop capturing a camera, and keep its configuration and bank."""
    _show(ask(load_settings(), api, "PATCH", f"/cameras/{id}", {"enabled": False}), as_json)


@app.command("remove")
def remove(id: _Id, api: _Api = None) -> None:
    """Remove a camera with its scores. Its bank file stays."""
    ask(load_settings(), api, "DELETE", f"/cameras/{id}")
    typer.echo(f"removed {id}", err=True)


def _line() -> str:
    return sys.stdin.readline().rstrip("\r\n")


def _show(camera: dict[str, Any], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(camera))
        return
    off = "" if camera.get("enabled", True) else "  disabled"
    per_day = camera.get("false_alarms_per_day")
    accepted = "" if per_day is None else f"  {per_day:g} false alarms a day"
    typer.echo(f"{camera['id']:<20} {camera['profile']:<12} {camera['source']}{accepted}{off}")
