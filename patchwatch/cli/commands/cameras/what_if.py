"""``patchwatch cameras what-if``: which alerts of the stored past a change would have spared, and which added."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlencode

import typer

from patchwatch.cli.options import Api, AsJson, CameraId, rest_client
from patchwatch.cli.output import print_json
from patchwatch.cli.zone_text import ZoneFile, ZoneTexts, given_zones
from patchwatch.contract.errors import RejectedError
from patchwatch.messages.anomaly_kind import AnomalyKind

_Budget = Annotated[float | None, typer.Option("--budget", help="Another alarm budget: false alarms a day.")]
_Level = Annotated[float | None, typer.Option("--level", help="Another score at which alerts open.")]
_Mute = Annotated[list[AnomalyKind] | None, typer.Option("--mute", help="Other muted kinds; may be repeated.")]
_Unmute = Annotated[bool, typer.Option("--unmute", help="Let every kind of anomaly count.")]
_Bank = Annotated[str | None, typer.Option("--bank", help="Another bank, as `patchwatch banks list` shows it.")]
_Normal = Annotated[str | None, typer.Option("--normal", metavar="ALERT", help="What this alert showed is normal.")]
_AtThisTime = Annotated[bool, typer.Option("--at-this-time", help="With --normal: only at the hours of the alert.")]
_Undo = Annotated[str | None, typer.Option("--undo", metavar="CORRECTION", help="A correction is taken back.")]
_Learn = Annotated[
    tuple[str, str] | None,
    typer.Option("--learn", metavar="FROM TO", help="As `cameras learn`: what was seen then is normal."),
]
_Forget = Annotated[
    tuple[str, str] | None,
    typer.Option("--forget", metavar="FROM TO", help="As `cameras forget`: no bank learns from it."),
]
_NoZones = Annotated[bool, typer.Option("--no-zones", help="No zones at all.")]
_From = Annotated[str | None, typer.Option("--from", help="From when on: ISO 8601, or a day. Default: all of it.")]
_To = Annotated[str | None, typer.Option("--to", help="Until when. Default: now.")]


def what_if(
    camera: CameraId,
    budget: _Budget = None,
    level: _Level = None,
    mute: _Mute = None,
    unmute: _Unmute = False,
    bank: _Bank = None,
    zone: ZoneTexts = None,
    zone_file: ZoneFile = None,
    no_zones: _NoZones = False,
    normal: _Normal = None,
    at_this_time: _AtThisTime = False,
    undo: _Undo = None,
    learn: _Learn = None,
    forget: _Forget = None,
    from_: _From = None,
    to: _To = None,
    api: Api = None,
    as_json: AsJson = False,
) -> None:
    """Try one change of a camera on its stored past, before you make it. Nothing is changed.

    Budget, level and muting are judged from all stored scores; a bank, zones and corrections from the
    memory of the camera, which is a sample.
    """
    change = _only_one(
        budget=None if budget is None else {"change": "budget", "false_alarms_per_day": budget},
        level=None if level is None else {"change": "level", "on": level},
        mute={"change": "muted", "muted": [kind.value for kind in mute]} if mute else None,
        unmute={"change": "muted", "muted": []} if unmute else None,
        bank=None if bank is None else {"change": "bank", "bank_id": bank},
        zone=_zones(zone, zone_file, no_zones=no_zones),
        normal=None if normal is None else _correction(normal, at_this_time=at_this_time),
        undo=None if undo is None else {"change": "undo", "correction_id": undo},
        learn=_stretch("learn", learn),
        forget=_stretch("forget", forget),
    )
    _try(camera, change, {"from": from_, "to": to}, api, as_json)


def _try(camera: str, change: dict[str, Any], span: dict[str, str | None], api: str | None, as_json: bool) -> None:
    query = urlencode({name: value for name, value in span.items() if value})
    answer = rest_client(api).post(f"/cameras/{camera}/what-if{'?' if query else ''}{query}", change)
    if as_json:
        print_json(answer)
        return
    for line in _lines(answer):
        typer.echo(line)


def _zones(zone: list[str] | None, zone_file: Any, *, no_zones: bool) -> dict[str, Any] | None:
    given = [] if no_zones else given_zones(zone, zone_file)
    return None if given is None else {"change": "zones", "zones": given}


def _correction(alert_id: str, *, at_this_time: bool) -> dict[str, Any]:
    kind = "normal_at_this_time" if at_this_time else "normal"
    return {"change": "correction", "kind": kind, "alert_id": alert_id}


def _stretch(change: str, given: tuple[str, str] | None) -> dict[str, Any] | None:
    return None if given is None else {"change": change, "from": given[0], "to": given[1]}


def _only_one(**changes: dict[str, Any] | None) -> dict[str, Any]:
    given = {name: change for name, change in changes.items() if change is not None}
    if len(given) != 1:
        said = f"not {', '.join(f'--{name}' for name in given)} together" if given else "none was given"
        raise RejectedError(f"try one change at a time, {said}: see `patchwatch cameras what-if --help`")
    return next(iter(given.values()))


def _lines(answer: dict[str, Any]) -> list[str]:
    """The sentence, the two lists, and what is uncertain."""
    lines = [answer["sentence"]]
    if answer["level_before"] is not None and answer["level_before"] != answer["level_after"]:
        lines.append(f"alerts open above {answer['level_after']:.3f} instead of {answer['level_before']:.3f}")
    for title, listed, count in (("gone", "fewer", "fewer_count"), ("new", "more", "more_count")):
        lines += [f"would be {title}:"] if answer[listed] else []
        lines += [_event(event) for event in answer[listed]]
        left_out = answer[count] - len(answer[listed])
        lines += [f"  and {left_out} older ones"] if left_out else []
    judged = f"judged: {_local(answer['judged_from'])} to {_local(answer['judged_to'])}"
    lines.append(f"{judged}, {answer['frames']} frames{', exactly' if answer['exact'] else ''}")
    return lines + [f"note: {note}" for note in answer["notes"]]


def _event(event: dict[str, Any]) -> str:
    kind = f", {event['anomaly']}" if event["anomaly"] else ""
    named = f"  {event['alert_id']}" if event["alert_id"] else ""
    return f"  {_local(event['started'])}  peak {event['peak_score']:.2f}{kind}{named}"


def _local(iso: str) -> str:
    """A time of the API by the clock of this machine."""
    return datetime.fromisoformat(iso).astimezone().strftime("%Y-%m-%d %H:%M:%S")
