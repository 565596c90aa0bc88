"""``patchwatch banks shadow start|stop|show|swap``: try a bank beside the active one, on a running service."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import typer

from patchwatch.cli.command_group import command_group
from patchwatch.cli.options import Api, AsJson, CameraId, rest_client
from patchwatch.cli.output import print_json, print_outcome
from patchwatch.messages.cameras.shadow import DEFAULT_DAYS

app = command_group("Score a bank beside the active one for a time: its alerts are listed, and told to nobody.")

_BankId = Annotated[str, typer.Argument(metavar="BANK", help="Id of the bank, as `patchwatch banks list` shows it.")]


@app.command("start")
def start(
    camera: CameraId,
    bank: _BankId,
    days: Annotated[float, typer.Option(help="It ends by itself after so many days.")] = DEFAULT_DAYS,
    api: Api = None,
    as_json: AsJson = False,
) -> None:
    """Score each frame with this bank too, from now on."""
    _print(rest_client(api).post(_path(camera, bank), {"days": days}), as_json)


@app.command("show")
def show(camera: CameraId, bank: _BankId, api: Api = None, as_json: AsJson = False) -> None:
    """Compare the alerts of the camera with those that the bank would have raised."""
    _print(rest_client(api).get(_path(camera, bank)), as_json)


@app.command("stop")
def stop(camera: CameraId, bank: _BankId, api: Api = None, as_json: AsJson = False) -> None:
    """End the shadow. The bank stays."""
    rest_client(api).delete(_path(camera, bank))
    facts = {"camera_id": camera, "bank_id": bank, "shadow": False}
    print_outcome(f"bank {bank} is not in the shadow of {camera} any more", facts, as_json=as_json)


@app.command("swap")
def swap(camera: CameraId, bank: _BankId, api: Api = None, as_json: AsJson = False) -> None:
    """Make this bank the active one. The one before goes on in its shadow, so that you can swap back."""
    _print(rest_client(api).post(f"{_path(camera, bank)}/swap"), as_json)


def _path(camera: str, bank: str) -> str:
    return f"/cameras/{camera}/banks/{bank}/shadow"


def _print(answer: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(answer)
        return
    cost = "" if answer["ms_per_frame"] is None else f", {answer['ms_per_frame']:.2f} ms each"
    lines = [
        answer["sentence"],
        f"bank {answer['bank_id']} in the shadow of {answer['active_bank_id']}, from {_local(answer['since'])} to "
        f"{_local(answer['until'])}: {answer['frames']} frames{cost}",
    ]
    lines += [f"not scored at present: {answer['reason']}"] if answer["reason"] else []
    for title, listed in (("the camera alone", "only_active"), ("the bank in the shadow alone", "only_shadow")):
        lines += [f"alerts of {title}:"] if answer[listed] else []
        lines += [_alert(alert) for alert in answer[listed]]
    for line in lines:
        typer.echo(line)


def _alert(alert: dict[str, Any]) -> str:
    peak = "" if alert["peak_score"] is None else f"  peak {alert['peak_score']:.2f}"
    kind = f", {alert['anomaly']}" if alert["anomaly"] else ""
    return f"  {_local(alert['started'])}{peak}{kind}  {alert['id']}"


def _local(iso: str) -> str:
    """A time of the API by the clock of this machine."""
    return datetime.fromisoformat(iso).astimezone().strftime("%Y-%m-%d %H:%M:%S")
