"""``patchwatch channels``: who is told of alerts by a running service, over its REST API."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from patchwatch.cli.command_group import command_group
from patchwatch.cli.options import Api, AsJson, NewId, rest_client, stdin_line
from patchwatch.cli.output import print_json, print_outcome
from patchwatch.contract.errors import RejectedError, RetryableError
from patchwatch.messages.alerts.alert import AlertKind
from patchwatch.messages.alerts.severity import Severity

app = command_group("Tell people of the alerts of a running service: e-mail, ntfy, Telegram and a hundred others.")

_Id = Annotated[str, typer.Argument(metavar="CHANNEL", help="Id of the channel.")]
_URL_HELP = (
    "As Apprise writes it: ntfys://HOST/TOPIC, mailtos://USER:PASSWORD@HOST?to=ADDRESS, tgram://TOKEN/CHAT. Frigate: "
    "frigate://HOST:5000. -: read it from standard input, so that it shows in no process list."
)
_Cameras = Annotated[list[str] | None, typer.Option("--camera", help="Only of this camera; repeatable.")]
_Kinds = Annotated[list[AlertKind] | None, typer.Option("--kind", help="Only of this kind; repeatable.")]
_LeastSeverity = Annotated[Severity | None, typer.Option("--least-severity", help="Only of this severity or a higher.")]
_Hours = Annotated[str | None, typer.Option(help="Only alerts that begin then, as 22:00-06:00; always: at any time.")]
_Days = Annotated[list[str] | None, typer.Option("--day", help="With --hours: mon, tue, ...; repeatable.")]
_Zone = Annotated[
    str | None, typer.Option(help="Of --hours, and of times in messages, as Europe/Berlin. Default: UTC.")
]
_Window = Annotated[float | None, typer.Option(help="Seconds to wait for other cameras that see the same. Default: 5.")]
_After = Annotated[
    int | None, typer.Option(help="Escalation: only what nobody has reviewed so many minutes later; 0: at once.")
]
_Over = Annotated[bool | None, typer.Option("--over/--no-over", help="Also say that an incident has ended.")]
_Picture = Annotated[bool | None, typer.Option("--picture/--no-picture", help="Send the picture, where possible.")]
_Title = Annotated[str | None, typer.Option(help="Jinja2 template of the title. Empty: ours.")]
_Body = Annotated[str | None, typer.Option(help="Jinja2 template of the text. Empty: ours.")]
_PageUrl = Annotated[
    str | None,
    typer.Option(help="Page that messages link to while PATCHWATCH_PUBLIC_URL is not set, as http://192.168.1.5:8080."),
]
_CameraNames = Annotated[
    list[str] | None, typer.Option("--camera-name", help="CAMERA=NAME: what Frigate calls a camera; repeatable.")
]


@app.command("add")
def add(
    id: NewId,
    url: Annotated[str, typer.Argument(help=_URL_HELP)],
    camera: _Cameras = None,
    kind: _Kinds = None,
    least_severity: _LeastSeverity = None,
    hours: _Hours = None,
    day: _Days = None,
    time_zone: _Zone = None,
    window_s: _Window = None,
    after_minutes: _After = None,
    over: _Over = None,
    picture: _Picture = None,
    title: _Title = None,
    body: _Body = None,
    camera_name: _CameraNames = None,
    page_url: _PageUrl = None,
    api: Api = None,
    as_json: AsJson = False,
) -> None:
    """Tell somebody of alerts from now on. Send a test afterwards: `patchwatch channels test ID`."""
    fields = _fields(
        camera, kind, least_severity, hours, day, time_zone, window_s, after_minutes, over, picture, title, body,
        camera_name, page_url,
    )  # fmt: skip
    _print(rest_client(api).post("/channels", {"id": id, "url": _address(url), **fields}), as_json)


@app.command("list")
def list_(api: Api = None, as_json: AsJson = False) -> None:
    """List all channels, and how they go."""
    channels = rest_client(api).get("/channels")["channels"]
    if as_json:
        print_json(channels)
        return
    if not channels:
        typer.echo("there are no channels: add one with `patchwatch channels add ID URL`", err=True)
    for channel in channels:
        _print(channel, as_json=False)


@app.command("show")
def show(id: _Id, api: Api = None, as_json: AsJson = False) -> None:
    """Show all of a channel but its address."""
    channel = rest_client(api).get(f"/channels/{id}")
    if as_json:
        print_json(channel)
        return
    for name, value in channel.items():
        typer.echo(f"{name:<15} {value}")


@app.command("update")
def update(
    id: _Id,
    url: Annotated[str | None, typer.Option(help=_URL_HELP)] = None,
    camera: _Cameras = None,
    kind: _Kinds = None,
    least_severity: _LeastSeverity = None,
    all_alerts: Annotated[bool, typer.Option("--all", help="Remove every filter.")] = False,
    hours: _Hours = None,
    day: _Days = None,
    time_zone: _Zone = None,
    window_s: _Window = None,
    after_minutes: _After = None,
    over: _Over = None,
    picture: _Picture = None,
    title: _Title = None,
    body: _Body = None,
    camera_name: _CameraNames = None,
    page_url: _PageUrl = None,
    enable: Annotated[bool | None, typer.Option("--enable/--disable", help="Switch it on or off.")] = None,
    api: Api = None,
    as_json: AsJson = False,
) -> None:
    """Change a channel; what is not given stays."""
    given = _fields(
        camera, kind, least_severity, hours, day, time_zone, window_s, after_minutes, over, picture, title, body,
        camera_name, page_url,
    )  # fmt: skip
    if all_alerts and given.keys() & {"cameras", "kinds", "least_severity"}:
        raise RejectedError("give filters or --all, not both")
    everything: dict[str, Any] = {"cameras": [], "kinds": [], "least_severity": Severity.LOW} if all_alerts else {}
    changes = everything | given
    if url is not None:
        changes["url"] = _address(url)
    if enable is not None:
        changes["enabled"] = enable
    if not changes:
        raise RejectedError("nothing was given to change: see `patchwatch channels update --help` for the options")
    _print(rest_client(api).patch(f"/channels/{id}", changes), as_json)


@app.command("remove")
def remove(id: _Id, api: Api = None, as_json: AsJson = False) -> None:
    """Remove a channel with its log."""
    rest_client(api).delete(f"/channels/{id}")
    print_outcome(f"removed {id}", {"id": id, "removed": True}, as_json=as_json)


@app.command("test")
def send_test(id: _Id, api: Api = None, as_json: AsJson = False) -> None:
    """Send a test message now, and report whether it was taken. Exit code 1 when it was not."""
    answer = rest_client(api).post(f"/channels/{id}/test")
    if as_json:
        print_json(answer)
    if not answer["delivered"]:
        raise RetryableError(f"{id} did not take the test: {answer['detail']}")
    if not as_json:
        typer.echo(f"{id} took the test", err=True)


@app.command("log")
def log(
    id: _Id,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many, the newest first.")] = 20,
    api: Api = None,
    as_json: AsJson = False,
) -> None:
    """List the last messages of a channel, and what the service answered."""
    records = rest_client(api).get(f"/channels/{id}/log?limit={limit}")["records"]
    if as_json:
        print_json(records)
        return
    for record in records:
        answer = f": {record['answer']}" if record["answer"] else ""
        said = f"{record['notice']} {record['outcome']} (attempt {record['attempt']})"
        typer.echo(f"{record['t']}  {said:<28} {record['title']}{answer}")


@app.command("mute")
def mute(
    camera: Annotated[str | None, typer.Option("--camera", help="This camera alone. Default: all.")] = None,
    minutes: Annotated[int | None, typer.Option(help="For so many minutes. Default: 60.")] = None,
    tomorrow: Annotated[bool, typer.Option("--until-tomorrow", help="Until midnight in --time-zone.")] = False,
    time_zone: Annotated[str, typer.Option(help="Of --until-tomorrow, as Europe/Berlin.")] = "UTC",
    api: Api = None,
    as_json: AsJson = False,
) -> None:
    """Send no messages about a camera, or about any, for a time. Alerts are raised and kept all the same."""
    if tomorrow and minutes is not None:
        raise RejectedError("give --minutes or --until-tomorrow, not both")
    order = {"until": "tomorrow", "time_zone": time_zone} if tomorrow else {"minutes": minutes or 60}
    muted = rest_client(api).put(_mute_path(camera), order)
    print_outcome(f"{camera or 'all cameras'} muted until {muted['until']}", muted, as_json=as_json)


@app.command("unmute")
def unmute(
    camera: Annotated[str | None, typer.Option("--camera", help="This camera alone. Default: all.")] = None,
    api: Api = None,
    as_json: AsJson = False,
) -> None:
    """End a mute before its time."""
    rest_client(api).delete(_mute_path(camera))
    print_outcome(f"{camera or 'all cameras'} not muted any more", {"camera_id": camera}, as_json=as_json)


@app.command("mutes")
def mutes(api: Api = None, as_json: AsJson = False) -> None:
    """List what is muted, and until when."""
    found = rest_client(api).get("/mutes")["mutes"]
    if as_json:
        print_json(found)
        return
    for one in found:
        typer.echo(f"{one['camera_id'] or 'all cameras':<20} until {one['until']}")


def _mute_path(camera: str | None) -> str:
    return f"/cameras/{camera}/mute" if camera else "/mute"


def _address(url: str) -> str:
    return stdin_line() if url == "-" else url


def _fields(
    camera: list[str] | None, kind: list[AlertKind] | None, least_severity: Severity | None, hours: str | None,
    day: list[str] | None, time_zone: str | None, window_s: float | None, after_minutes: int | None, over: bool | None,
    picture: bool | None, title: str | None, body: str | None, camera_names: list[str] | None,
    page_url: str | None,
) -> dict[str, Any]:  # fmt: skip
    """What was given, as the API takes it."""
    fields = {
        "cameras": camera or None, "kinds": kind or None, "least_severity": least_severity, "time_zone": time_zone,
        "window_s": window_s, "over": over, "picture": picture, "title": title, "body": body,
        "page_url": page_url,
    }  # fmt: skip
    given: dict[str, Any] = {name: value for name, value in fields.items() if value is not None}
    if hours is not None or day:
        given["hours"] = _hours(hours or "00:00-00:00", day or [])
    if after_minutes is not None:
        given["after_minutes"] = after_minutes or None
    if camera_names is not None:
        given["camera_names"] = dict(_camera_name(pair) for pair in camera_names)
    return given


def _camera_name(pair: str) -> tuple[str, str]:
    """Raises `RejectedError` for what is no pair."""
    camera, equals, name = pair.partition("=")
    if not (camera and equals and name):
        raise RejectedError(f"{pair!r} does not say what Frigate calls a camera: give it like gate=front_gate")
    return camera, name


def _hours(text: str, days: list[str]) -> dict[str, Any] | None:
    """Raises `RejectedError` for what is no span of a day."""
    if text == "always":
        return None
    begin, dash, end = text.partition("-")
    if not dash:
        raise RejectedError(f"{text!r} is no span of hours: give it like 22:00-06:00, or always")
    return {"begin": begin.strip(), "end": end.strip(), "days": days}


def _print(channel: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(channel)
        return
    counts = f"{channel['delivered']} sent, {channel['waiting']} waiting, {channel['dead']} given up"
    reason = f": {channel['reason']}" if channel["reason"] else ""
    typer.echo(f"{channel['id']:<20} {channel['url']}{_filters(channel)}  {counts}  {channel['health']}{reason}")


def _filters(channel: dict[str, Any]) -> str:
    values = [value for field in ("cameras", "kinds") for value in channel[field]]
    if channel["least_severity"] != Severity.LOW:
        values.append(f"{channel['least_severity']} severity")
    if channel["hours"]:
        values.append(f"{channel['hours']['begin']}-{channel['hours']['end']} {channel['time_zone']}")
    if channel["after_minutes"]:
        values.append(f"unreviewed after {channel['after_minutes']} min")
    return f"  only {', '.join(values)}" if values else ""
