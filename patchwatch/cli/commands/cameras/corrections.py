"""Commands of ``patchwatch cameras`` that correct what is normal for a camera, over the REST API."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

import typer

from patchwatch.cli.options import Api, AsJson, rest_client
from patchwatch.cli.output import print_json, print_outcome
from patchwatch.messages.alerts.verdict import MAX_NOTE_LENGTH

_WORDS = {
    "normal": "normal here",
    "normal_at_this_time": "normal at this time",
    "learn": "learnt",
    "recurring": "recurs",
    "lasting": "changed for good",
    "anomaly": "a real anomaly",
    "forget": "forgotten",
}
_Camera = Annotated[str, typer.Argument(metavar="CAMERA", help="Camera id.")]
_From = Annotated[str, typer.Argument(metavar="FROM", help="When it began: 2026-11-28T22:00:00Z.")]
_To = Annotated[str, typer.Argument(metavar="TO", help="When it ended, within a day.")]
_Note = Annotated[
    str, typer.Option(metavar="TEXT", help=f"A line for whoever reads it later, up to {MAX_NOTE_LENGTH} characters.")
]


def add_commands(app: typer.Typer) -> None:
    """Into the group of cameras."""
    app.command("learn")(learn)
    app.command("forget")(forget)
    app.command("corrections")(corrections)
    app.command("undo")(undo)
    app.command("discard-corrections")(discard_corrections)


def learn(camera: _Camera, from_: _From, to: _To, note: _Note = "", api: Api = None, as_json: AsJson = False) -> None:
    """Say that what was seen in a stretch of time is normal. It counts within seconds."""
    _say(camera, {"kind": "learn", "from": from_, "to": to, "note": note}, api, as_json=as_json)


def forget(camera: _Camera, from_: _From, to: _To, note: _Note = "", api: Api = None, as_json: AsJson = False) -> None:
    """Say that no bank shall learn from a stretch of time. A new one is learnt at once from the rest."""
    _say(camera, {"kind": "forget", "from": from_, "to": to, "note": note}, api, as_json=as_json)


def corrections(camera: _Camera, api: Api = None, as_json: AsJson = False) -> None:
    """List what operators said of a camera's normal, newest first, and how much of it counts."""
    client = rest_client(api)
    listed = client.get(_path(camera))["corrections"]
    if as_json:
        print_json(listed)
        return
    for correction in listed:
        typer.echo(_line(correction))
    analysis = client.get(f"/cameras/{quote(camera, safe='')}/status").get("analysis") or {}
    typer.echo(_in_force(analysis.get("corrections")), err=True)


def undo(
    camera: _Camera,
    correction: Annotated[str, typer.Argument(metavar="ID", help="As `patchwatch cameras corrections` lists it.")],
    api: Api = None,
    as_json: AsJson = False,
) -> None:
    """Take back a correction: scores are then what they would be had it never been said."""
    answer = rest_client(api).delete(f"{_path(camera)}/{quote(correction, safe='')}")
    print_json(answer) if as_json else typer.echo(f"{answer['id']} is undone: {answer['effect']}")


def discard_corrections(camera: _Camera, api: Api = None, as_json: AsJson = False) -> None:
    """Give up what operators said of a camera's normal where that cannot be read, so that it can be said anew."""
    rest_client(api).delete(_path(camera))
    facts = {"camera_id": camera, "discarded": True}
    print_outcome(f"what was said of the normal of {camera} is discarded", facts, as_json=as_json)


def _say(camera: str, body: dict[str, Any], api: str | None, *, as_json: bool) -> None:
    answer = rest_client(api).post(_path(camera), body)
    print_json(answer) if as_json else typer.echo(f"{answer['id']}: {answer['effect']}")


def _path(camera: str) -> str:
    return f"/cameras/{quote(camera, safe='')}/corrections"


def _line(correction: dict[str, Any]) -> str:
    spans = ", ".join(f"{span['from']} to {span['to']}" for span in correction["spans"])
    hours = correction["hours"]
    when = "" if hours is None else f", from {hours['from']} to {hours['to']} {hours['weekday'] or 'every day'}"
    note = f" ({correction['note']})" if correction["note"] else ""
    undone = "" if correction["in_force"] else f", undone by {correction['undone_by']} at {correction['undone_at']}"
    words = _WORDS.get(correction["kind"], correction["kind"])
    return f"{correction['id']}  {words}{when}: {spans}, by {correction['by']} at {correction['at']}{note}{undone}"


def _in_force(status: dict[str, Any] | None) -> str:
    if status is None:
        return "none changes scores"
    waiting = f", {status['waiting']} waiting: {status['why_waiting']}" if status["waiting"] else ""
    return f"{status['in_force']} in force{waiting}"
