"""``patchwatch cameras``: the cameras of a running service, over its REST API, so that it alone says what is valid."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

import typer

from patchwatch.commands.api import ask
from patchwatch.messages.camera import Pace, Transport
from patchwatch.settings import load_settings

app = typer.Typer(no_args_is_help=True, help="Add, list, change and remove the cameras of a running service.")

_Api = Annotated[
    str | None, typer.Option("--api", help="Address of the service. Default: PATCHWATCH_HOST and PATCHWATCH_PORT.")
]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
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
        str | None, typer.Option(help="How it is analysed: motion, clip, reference, or your own.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="A name for people.")] = None,
    fps: Annotated[
        float | None, typer.Option(help="Frames analysed per second. Default: PATCHWATCH_ANALYSIS_FPS.")
    ] = None,
    pace: Annotated[Pace | None, typer.Option(help="How a file is read.")] = None,
    loop: Annotated[bool, typer.Option("--loop", help="Start a file again at its end.")] = False,
    transport: Annotated[Transport | None, typer.Option(help="RTSP media transport of a pulled camera.")] = None,
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
    typer.echo(f"{camera['id']:<20} {camera['profile']:<12} {camera['source']}{off}")
