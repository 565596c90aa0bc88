"""``patchwatch cameras``: the cameras of a running service, over its REST API, so that it alone says what is valid."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

import typer

from patchwatch.cli.plain_help import plain_typer
from patchwatch.cli.rest_client import ask
from patchwatch.cli.threshold_text import budget, spread, threshold_lines
from patchwatch.contract.errors import RejectedError
from patchwatch.contract.learning_advice import how_to_learn
from patchwatch.contract.settings import Settings, load_settings
from patchwatch.messages.camera import Pace, Transport
from patchwatch.messages.threshold import AlarmThreshold

app = plain_typer("Add, list, change and remove the cameras of a running service.")

_Api = Annotated[
    str | None, typer.Option("--api", help="Address of the service. Default: PATCHWATCH_HOST and PATCHWATCH_PORT.")
]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Budget = Annotated[
    float | None,
    typer.Option(help="Accepted: sets its alert threshold. Default: PATCHWATCH_FALSE_ALARMS_PER_DAY."),
]
_Id = Annotated[str, typer.Argument(metavar="ID", help="Small letters, digits, '-' and '_'.")]


_SOURCE_HELP = (
    "rtsp://..., rtsps://..., file:/PATH (as it is written), or push: (the camera publishes to us). "
    "-: read it from standard input, so that a password in it shows in no process list."
)
_Profile = Annotated[
    str | None, typer.Option(help="How it is analysed: motion, objects, clip, reference, or your own.")
]
_Name = Annotated[str | None, typer.Option(help="A name for people.")]
_Fps = Annotated[float | None, typer.Option(help="Frames analysed per second. Default: PATCHWATCH_ANALYSIS_FPS.")]
_Pace = Annotated[Pace | None, typer.Option(help="How a file is read.")]
_Transport = Annotated[Transport | None, typer.Option(help="RTSP media transport of a pulled camera.")]
_TlsFingerprint = Annotated[str | None, typer.Option(help="SHA-256 of the certificate an rtsps:// camera must show.")]
_PublishUsername = Annotated[str | None, typer.Option(help="Required from whoever publishes this camera.")]
_PublishPassword = Annotated[
    bool, typer.Option("--publish-password-stdin", help="Read the publisher's password from standard input.")
]


@app.command("add")
def add(
    id: _Id,
    source: Annotated[str, typer.Argument(help=_SOURCE_HELP)] = "push:",
    profile: _Profile = None,
    name: _Name = None,
    fps: _Fps = None,
    pace: _Pace = None,
    loop: Annotated[bool, typer.Option("--loop", help="Start a file again at its end.")] = False,
    transport: _Transport = None,
    tls_fingerprint: _TlsFingerprint = None,
    no_tls_verify: Annotated[
        bool, typer.Option("--no-tls-verify", help="Take any certificate of an rtsps:// camera: its password is open.")
    ] = False,
    false_alarms_per_day: _Budget = None,
    publish_username: _PublishUsername = None,
    publish_password_stdin: _PublishPassword = False,
    api: _Api = None,
    as_json: _Json = False,
) -> None:
    """Add a camera. It is captured at once, and scored as soon as it has a bank (`patchwatch enroll`).

    With push: it publishes to rtsp://PATCHWATCH_RTSP_HOST:PATCHWATCH_RTSP_PORT/ID.
    """
    body: dict[str, Any] = {
        "id": id, "source": _line() if source == "-" else source, "profile": profile, "name": name,
        "analysis_fps": fps, "pace": pace, "loop": loop or None, "transport": transport,
        "tls_fingerprint": tls_fingerprint, "tls_verify": False if no_tls_verify else None,
        "false_alarms_per_day": false_alarms_per_day,
        "publish_username": publish_username, "publish_password": _line() if publish_password_stdin else None,
    }  # fmt: skip
    given = {field: value for field, value in body.items() if value is not None}
    settings = load_settings()
    camera = ask(settings, api, "POST", "/cameras", given)
    _show(camera, as_json)
    if not as_json:
        _show_next_steps(camera, settings, elsewhere=api is not None)


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
    source: Annotated[str | None, typer.Option(help=_SOURCE_HELP)] = None,
    profile: _Profile = None,
    name: _Name = None,
    fps: _Fps = None,
    default_fps: Annotated[bool, typer.Option("--default-fps", help="Go back to PATCHWATCH_ANALYSIS_FPS.")] = False,
    pace: _Pace = None,
    loop: Annotated[bool | None, typer.Option("--loop/--no-loop", help="Start a file again at its end.")] = None,
    transport: _Transport = None,
    tls_fingerprint: _TlsFingerprint = None,
    no_tls_fingerprint: Annotated[
        bool, typer.Option("--no-tls-fingerprint", help="Ask for a certificate that is trusted instead.")
    ] = False,
    tls_verify: Annotated[
        bool | None,
        typer.Option("--tls-verify/--no-tls-verify", help="Whether an rtsps:// camera's certificate must be trusted."),
    ] = None,
    false_alarms_per_day: _Budget = None,
    default_budget: Annotated[
        bool, typer.Option("--default-budget", help="Go back to PATCHWATCH_FALSE_ALARMS_PER_DAY.")
    ] = False,
    publish_username: _PublishUsername = None,
    publish_password_stdin: _PublishPassword = False,
    api: _Api = None,
    as_json: _Json = False,
) -> None:
    """Change a camera; what is not given stays. Another alarm budget holds at once; all else begins its capture
    anew, so that a camera that publishes has to connect again.

    `cameras thresholds` shows what a budget means. A camera needs a bank for each profile: `patchwatch enroll`.
    """
    given: dict[str, Any] = {
        "source": _line() if source == "-" else source, "profile": profile, "name": name, "analysis_fps": fps,
        "pace": pace, "loop": loop, "transport": transport, "tls_fingerprint": tls_fingerprint,
        "tls_verify": tls_verify, "false_alarms_per_day": false_alarms_per_day,
        "publish_username": publish_username, "publish_password": _line() if publish_password_stdin else None,
    }  # fmt: skip
    body = {field: value for field, value in given.items() if value is not None}
    for field, option, back in (
        ("analysis_fps", "--default-fps", default_fps), ("false_alarms_per_day", "--default-budget", default_budget),
        ("tls_fingerprint", "--no-tls-fingerprint", no_tls_fingerprint),
    ):  # fmt: skip
        if back and field in body:
            raise RejectedError(f"give a value or {option}, not both")
        if back:
            body[field] = None
    if not body:
        raise RejectedError("nothing to change: see `patchwatch cameras set --help` for what can be")
    _show(ask(load_settings(), api, "PATCH", f"/cameras/{id}", body), as_json)


@app.command("thresholds")
def thresholds(id: _Id, api: _Api = None, as_json: _Json = False) -> None:
    """Show the alert threshold of a camera, and what other alarm budgets would mean."""
    answer = ask(load_settings(), api, "GET", f"/cameras/{id}/thresholds")
    if as_json:
        typer.echo(json.dumps(answer))
        return
    if answer["threshold"] is None:
        typer.echo(
            f"{id} raises no alert yet, because it has not learnt what is normal: learn it {how_to_learn(id)}", err=True
        )
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


def _show_next_steps(camera: dict[str, Any], settings: Settings, *, elsewhere: bool) -> None:
    """On stderr, so that what is listed can be piped. ``elsewhere``: the service is not the one of these settings."""
    if camera["source"] == "push:":
        local = settings.rtsp_host not in ("0.0.0.0", "::") and not elsewhere  # noqa: S104 - compared only
        endpoint = f"{settings.rtsp_host if local else 'HOST'}:{'PORT' if elsewhere else settings.rtsp_port}"
        typer.echo(f"publish its video to rtsp://{endpoint}/{camera['id']}", err=True)
    typer.echo(f"it is scored as soon as it has a bank: learn one {how_to_learn(camera['id'])}", err=True)


def _line() -> str:
    return sys.stdin.readline().rstrip("\r\n")


def _show(camera: dict[str, Any], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(camera))
        return
    off = "" if camera.get("enabled", True) else "  disabled"
    off += "" if camera.get("tls_verify", True) or camera.get("tls_fingerprint") else "  unverified TLS"
    per_day = camera.get("false_alarms_per_day")
    accepted = "" if per_day is None else f"  {per_day:g} false alarms a day"
    typer.echo(f"{camera['id']:<20} {camera['profile']:<12} {camera['source']}{accepted}{off}")
