"""``patchwatch cameras``: the cameras of a running service, over its REST API, which alone decides what is valid."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from patchwatch.cli.command_group import command_group
from patchwatch.cli.commands.cameras.absence import absence
from patchwatch.cli.commands.cameras.corrections import add_commands
from patchwatch.cli.commands.cameras.discovery import discover
from patchwatch.cli.commands.cameras.takeover import import_
from patchwatch.cli.commands.cameras.what_if import what_if
from patchwatch.cli.options import AnalysisFps, Api, AsJson, NewId, rest_client, stdin_line
from patchwatch.cli.output import print_json, print_outcome
from patchwatch.cli.threshold_text import budget, spread, threshold_lines
from patchwatch.cli.zone_text import ZoneFile, ZoneTexts, given_zones, zones_line
from patchwatch.contract.errors import RejectedError
from patchwatch.contract.learning_advice import how_to_learn
from patchwatch.contract.settings import Settings, load_settings
from patchwatch.messages.anomaly_kind import AnomalyKind
from patchwatch.messages.banks.arming import ArmingState
from patchwatch.messages.banks.threshold import AlarmThreshold
from patchwatch.messages.cameras.camera import Pace, Transport

app = command_group("Add, list, change and remove the cameras of a running service.")

_SOURCE_HELP = (
    "rtsp://..., rtsps://..., file:/PATH (as it is written), or push: (the camera publishes to us). "
    "-: read it from standard input, so that a password in it shows in no process list."
)
_Id = Annotated[str, typer.Argument(metavar="CAMERA", help="Camera id.")]
_Profile = Annotated[str | None, typer.Option(help="Profile: scene, objects, motion, clip, reference, or your own.")]
_Name = Annotated[str | None, typer.Option(help="A name for people.")]
_Pace = Annotated[Pace | None, typer.Option(help="How fast a file is read.")]
_Transport = Annotated[Transport | None, typer.Option(help="RTSP media transport, where we connect to the camera.")]
_TlsFingerprint = Annotated[str | None, typer.Option(help="SHA-256 of the certificate an rtsps:// camera must show.")]
_Budget = Annotated[
    float | None,
    typer.Option(help="Sets the alert threshold. Default: PATCHWATCH_FALSE_ALARMS_PER_DAY."),
]
_Mute = Annotated[
    list[AnomalyKind] | None,
    typer.Option(help="A kind of anomaly that raises neither score nor alert here; may be repeated."),
]
_SelfArm = Annotated[
    bool | None,
    typer.Option("--self-arm/--no-self-arm", help="Whether it learns by itself. Default: PATCHWATCH_SELF_ARM."),
]
_PublishUsername = Annotated[str | None, typer.Option(help="Required from whoever publishes this camera.")]
_PublishPassword = Annotated[
    bool, typer.Option("--publish-password-stdin", help="Read the publisher's password from standard input.")
]
_NoTlsFingerprint = Annotated[
    bool, typer.Option("--no-tls-fingerprint", help="Accept a certificate of a trusted authority again.")
]
_TlsVerify = Annotated[
    bool | None,
    typer.Option("--tls-verify/--no-tls-verify", help="Whether an rtsps:// camera's certificate must be trusted."),
]
_NoTlsVerify = Annotated[
    bool,
    typer.Option(
        "--no-tls-verify",
        help="Accept any certificate of an rtsps:// camera, so that whoever answers gets its password.",
    ),
]
_Enabled = Annotated[bool | None, typer.Option("--enable/--disable", help="Switch its capture on or off.")]
_Unmute = Annotated[bool, typer.Option("--unmute", help="Let every kind of anomaly count again.")]
_NoZones = Annotated[bool, typer.Option("--no-zones", help="Remove all zones.")]
_DefaultBudget = Annotated[bool, typer.Option("--default-budget", help="Go back to PATCHWATCH_FALSE_ALARMS_PER_DAY.")]
_NoPublishPassword = Annotated[
    bool, typer.Option("--no-publish-password", help="Let it publish without a user name and password of its own.")
]


@app.command("add")
def add(
    id: NewId,
    source: Annotated[str, typer.Argument(help=_SOURCE_HELP)] = "push:",
    profile: _Profile = None,
    name: _Name = None,
    fps: AnalysisFps = None,
    pace: _Pace = None,
    loop: Annotated[bool, typer.Option("--loop", help="Start a file again at its end.")] = False,
    transport: _Transport = None,
    tls_fingerprint: _TlsFingerprint = None,
    no_tls_verify: _NoTlsVerify = False,
    disabled: Annotated[bool, typer.Option("--disabled", help="Add it without capturing it yet.")] = False,
    false_alarms_per_day: _Budget = None,
    mute: _Mute = None,
    zone: ZoneTexts = None,
    zone_file: ZoneFile = None,
    self_arm: _SelfArm = None,
    publish_username: _PublishUsername = None,
    publish_password_stdin: _PublishPassword = False,
    api: Api = None,
    as_json: AsJson = False,
) -> None:
    """Add a camera. It is captured at once, and scored as soon as it has learnt by itself, or has a bank (`patchwatch
    enrolments add`).

    With push: it publishes to rtsp://PATCHWATCH_RTSP_HOST:PATCHWATCH_RTSP_PORT/ID.
    """
    fields: dict[str, Any] = {
        "id": id, "source": stdin_line() if source == "-" else source, "profile": profile, "name": name,
        "analysis_fps": fps, "pace": pace, "loop": loop or None, "transport": transport,
        "tls_fingerprint": tls_fingerprint, "tls_verify": False if no_tls_verify else None,
        "enabled": False if disabled else None, "false_alarms_per_day": false_alarms_per_day, "muted": mute,
        "zones": given_zones(zone, zone_file), "self_arm": self_arm, "publish_username": publish_username,
        "publish_password": stdin_line() if publish_password_stdin else None,
    }  # fmt: skip
    camera = rest_client(api).post("/cameras", _given(fields))
    _print(camera, as_json)
    if not as_json:
        _print_next_steps(camera, load_settings(), elsewhere=api is not None)


@app.command("list")
def list_(api: Api = None, as_json: AsJson = False) -> None:
    """List all cameras, with how far each knows what is normal: learning, provisional or armed."""
    client = rest_client(api)
    answer = client.get("/cameras")
    cameras = answer["cameras"] if isinstance(answer, dict) else answer
    if as_json:
        print_json(cameras)
        return
    if not cameras:
        typer.echo("there are no cameras: add one with `patchwatch cameras add ID SOURCE`", err=True)
        return
    states = {status["camera_id"]: status.get("arming") for status in client.get("/status")["statuses"]}
    for camera in cameras:
        _print(camera, as_json=False, arming=states.get(camera["id"]))


@app.command("show")
def show(id: _Id, api: Api = None, as_json: AsJson = False) -> None:
    """Show all fields of a camera, and whether it is live and scored."""
    client = rest_client(api)
    camera, status = client.get(f"/cameras/{id}"), client.get(f"/cameras/{id}/status")
    if as_json:
        print_json(camera | {"status": status})
        return
    for field, value in (camera | {"zones": zones_line(camera.get("zones", ()))}).items():
        if field != "revision":
            typer.echo(f"{field:<22} {_shown(value)}")
    for stage in ("capture", "analysis"):
        part = status[stage] or {}
        typer.echo(f"{stage:<22} {part.get('state', 'not started yet')}")
    for part in ("arming", "budget"):
        typer.echo(f"{part:<22} {(status.get(part) or {}).get('text') or '-'}")
    reason = f": {status['reason']}" if status["reason"] else ""
    typer.echo(f"{'health':<22} {status['health']}{reason}")


@app.command("update")
def update(
    id: _Id,
    source: Annotated[str | None, typer.Option(help=_SOURCE_HELP)] = None,
    profile: _Profile = None,
    name: _Name = None,
    fps: AnalysisFps = None,
    default_fps: Annotated[bool, typer.Option("--default-fps", help="Go back to PATCHWATCH_ANALYSIS_FPS.")] = False,
    pace: _Pace = None,
    loop: Annotated[bool | None, typer.Option("--loop/--no-loop", help="Start a file again at its end.")] = None,
    transport: _Transport = None,
    tls_fingerprint: _TlsFingerprint = None,
    no_tls_fingerprint: _NoTlsFingerprint = False,
    tls_verify: _TlsVerify = None,
    enabled: _Enabled = None,
    false_alarms_per_day: _Budget = None,
    default_budget: _DefaultBudget = False,
    mute: _Mute = None,
    unmute: _Unmute = False,
    zone: ZoneTexts = None,
    zone_file: ZoneFile = None,
    no_zones: _NoZones = False,
    self_arm: _SelfArm = None,
    publish_username: _PublishUsername = None,
    publish_password_stdin: _PublishPassword = False,
    no_publish_password: _NoPublishPassword = False,
    api: Api = None,
    as_json: AsJson = False,
) -> None:
    """Change a camera; what is not given stays. Alarm budget, muting, zones and self-arming take effect at once; all
    else, and a privacy zone, restarts the capture. `cameras thresholds` shows what a budget means, `cameras what-if`
    what it would have meant for the stored past."""
    fields = _given({
        "source": stdin_line() if source == "-" else source, "profile": profile, "name": name, "analysis_fps": fps,
        "pace": pace, "loop": loop, "transport": transport, "zones": given_zones(zone, zone_file),
        "tls_fingerprint": tls_fingerprint, "tls_verify": tls_verify, "enabled": enabled, "muted": mute,
        "false_alarms_per_day": false_alarms_per_day, "publish_username": publish_username, "self_arm": self_arm,
        "publish_password": stdin_line() if publish_password_stdin else None,
    })  # fmt: skip
    fields |= _reset(fields, [default_fps, default_budget, no_tls_fingerprint, no_publish_password])
    _change(id, fields | _emptied(fields, muted=unmute, zones=no_zones), api, as_json)


app.command("set", hidden=True)(update)
app.command("what-if")(what_if)
app.command("import")(import_)
app.command("discover")(discover)
app.command("absence")(absence)


@app.command("acknowledge")
def acknowledge(id: _Id, api: Api = None, as_json: AsJson = False) -> None:
    """Say that a camera which came by itself has been looked at. Any change of it says so too."""
    _print(rest_client(api).patch(f"/cameras/{id}", {}), as_json)


@app.command("enable")
def enable(id: _Id, api: Api = None, as_json: AsJson = False) -> None:
    """Capture and score a camera again."""
    _print(rest_client(api).patch(f"/cameras/{id}", {"enabled": True}), as_json)


@app.command("disable")
def disable(id: _Id, api: Api = None, as_json: AsJson = False) -> None:
    """Stop capturing a camera, and keep its configuration and bank."""
    _print(rest_client(api).patch(f"/cameras/{id}", {"enabled": False}), as_json)


@app.command("remove")
def remove(id: _Id, api: Api = None, as_json: AsJson = False) -> None:
    """Remove a camera with its scores. Its bank files stay."""
    rest_client(api).delete(f"/cameras/{id}")
    print_outcome(f"removed {id}", {"id": id, "removed": True}, as_json=as_json)


@app.command("thresholds")
def thresholds(id: _Id, api: Api = None, as_json: AsJson = False) -> None:
    """Show the alert threshold of a camera, and what other alarm budgets would mean."""
    answer = rest_client(api).get(f"/cameras/{id}/thresholds")
    if as_json:
        print_json(answer)
        return
    if answer["threshold"] is None:
        typer.echo(
            f"{id} raises no alert yet, because it has not learnt what is normal: learn it {how_to_learn(id)}", err=True
        )
        return
    for line in threshold_lines(AlarmThreshold.model_validate(answer["threshold"])):
        typer.echo(line)
    typer.echo("\n  budget per day  alerts above  expected per day")
    for threshold in (AlarmThreshold.model_validate(fields) for fields in answer["thresholds"]):
        warning = "" if threshold.supported else "  too little footage"
        typer.echo(f"  {budget(threshold):>14}  {threshold.on:>12.3f}  {spread(threshold)}{warning}")


@app.command("budget")
def budget_(
    per_day: Annotated[
        float | None, typer.Option("--site", help="Accept so many false alarms a day of all cameras together.")
    ] = None,
    off: Annotated[bool, typer.Option("--off", help="No budget for the site any more.")] = False,
    api: Api = None,
    as_json: AsJson = False,
) -> None:
    """Show or set how many false alarms a day are accepted of all cameras together, and what each may spend of that.

    A camera with its own budget (`cameras update --false-alarms-per-day`) keeps it. The others share the rest: equally
    at first, then calm ones lend to lively ones, by and by.
    """
    if off and per_day is not None:
        raise RejectedError("--site and --off contradict each other: give one of them")
    client, path = rest_client(api), "/site-budget"
    wanted = {"false_alarms_per_day": per_day}
    answer = client.put(path, wanted) if off or per_day is not None else client.get(path)
    if as_json:
        print_json(answer)
        return
    typer.echo(answer["text"])
    for camera in answer["cameras"]:
        typer.echo(f"  {camera['camera_id']:<20} {camera['text']}")


@app.command("report")
def report(
    id: _Id,
    days: Annotated[int, typer.Option(min=1, max=31, help="Up to now.")] = 7,
    api: Api = None,
    as_json: AsJson = False,
) -> None:
    """Report on a camera's last days: how it was watched, its alerts and its budget, what it learnt, and what to do."""
    answer = rest_client(api).get(f"/cameras/{id}/report?days={days}")
    if as_json:
        print_json(answer)
        return
    typer.echo(f"{id}, {answer['from'][:10]} to {answer['to'][:10]}")
    for line in answer["lines"]:
        typer.echo(f"  {line}")


def _change(camera_id: str, fields: dict[str, Any], api: str | None, as_json: bool) -> None:
    if not fields:
        raise RejectedError("nothing was given to change: see `patchwatch cameras update --help` for the options")
    _print(rest_client(api).patch(f"/cameras/{camera_id}", fields), as_json)


def _emptied(fields: dict[str, Any], **wanted: bool) -> dict[str, Any]:
    options = {"muted": "--mute and --unmute", "zones": "--zone and --no-zones"}
    for field, chosen in wanted.items():
        if chosen and field in fields:
            raise RejectedError(f"{options[field]} contradict each other: give one of them")
    return {field: [] for field, chosen in wanted.items() if chosen}


def _given(fields: dict[str, Any]) -> dict[str, Any]:
    return {field: value for field, value in fields.items() if value is not None and value != []}


_DEFAULTS = {
    "--default-fps": ("analysis_fps",),
    "--default-budget": ("false_alarms_per_day",),
    "--no-tls-fingerprint": ("tls_fingerprint",),
    "--no-publish-password": ("publish_username", "publish_password"),
}  # options that set fields to null


def _reset(fields: dict[str, Any], wanted: list[bool]) -> dict[str, None]:
    """The fields of the wanted ones of `_DEFAULTS` as null. Raises `RejectedError` beside a value for one."""
    nulls: dict[str, None] = {}
    for (option, names), chosen in zip(_DEFAULTS.items(), wanted, strict=True):
        if chosen and any(name in fields for name in names):
            raise RejectedError(f"give a value or {option}, not both")
        nulls |= dict.fromkeys(names) if chosen else {}
    return nulls


def _print_next_steps(camera: dict[str, Any], settings: Settings, *, elsewhere: bool) -> None:
    """On stderr, so that what is listed can be piped. ``elsewhere``: the service is not the one of these settings."""
    if camera["source"] == "push:":
        local = settings.rtsp_host not in ("0.0.0.0", "::") and not elsewhere  # noqa: S104 - compared only
        endpoint = f"{settings.rtsp_host if local else 'HOST'}:{'PORT' if elsewhere else settings.rtsp_port}"
        typer.echo(f"publish its video to rtsp://{endpoint}/{camera['id']}", err=True)
    if settings.self_arm if camera.get("self_arm") is None else camera["self_arm"]:
        typer.echo("it learns what is normal by itself: follow it with `patchwatch cameras list`", err=True)
        return
    typer.echo(f"it is scored as soon as it has a bank: learn one {how_to_learn(camera['id'])}", err=True)


def _print(camera: dict[str, Any], as_json: bool, arming: dict[str, Any] | None = None) -> None:
    if as_json:
        print_json(camera)
        return
    marks = "" if camera.get("enabled", True) else "  disabled"
    marks += "" if camera.get("tls_verify", True) or camera.get("tls_fingerprint") else "  unverified TLS"
    marks += "  new: look at it" if camera.get("adopted") else ""
    marks += f"  {_arming_in_short(arming)}" if arming and arming["state"] else ""
    per_day = camera.get("false_alarms_per_day")
    accepted = "" if per_day is None else f"  {per_day:g} false alarms a day"
    accepted += f"  muted: {', '.join(camera['muted'])}" if camera.get("muted") else ""
    accepted += f"  zones: {zones_line(camera['zones'])}" if camera.get("zones") else ""
    typer.echo(f"{camera['id']:<20} {camera['profile']:<12} {camera['source']}{accepted}{marks}")


def _arming_in_short(arming: dict[str, Any]) -> str:
    if arming["state"] != ArmingState.LEARNING:
        return str(arming["state"])
    return f"learning, {arming['remembered_s']:.0f} of {arming['first_bank_s']:.0f} s"


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value is None or value == "" else str(value)


add_commands(app)
