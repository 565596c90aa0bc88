"""``patchwatch enrolments``: what a running service is learning and has learnt, over its REST API."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from patchwatch.cli.command_group import command_group
from patchwatch.cli.options import Api, AsJson, CameraId, rest_client
from patchwatch.cli.output import print_json
from patchwatch.cli.progress import progress_bar
from patchwatch.contract.errors import RejectedError, RetryableError

app = command_group("Let a running service learn what is normal, and list and cancel its enrolments.")

_POLL_S = 1.0
_UNFINISHED = ("queued", "running")


@app.command("add")
def add(
    camera: CameraId,
    recordings: Annotated[
        list[str] | None, typer.Argument(help="Recordings of normal only, in a media folder of the service.")
    ] = None,
    live: Annotated[float | None, typer.Option(help="Learn from this many seconds of the live camera instead.")] = None,
    memory: Annotated[
        bool, typer.Option("--from-memory", help="Learn from what is remembered of the camera instead.")
    ] = False,
    profile: Annotated[str | None, typer.Option(help="Default: the camera's.")] = None,
    activate: Annotated[
        bool, typer.Option("--activate", help="Use the new bank even if it is worse than the present one.")
    ] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Show its progress, and return when it has ended.")] = False,
    api: Api = None,
    as_json: AsJson = False,
) -> None:
    """Learn what is normal for a camera: from the live camera, from recordings that the service can read, or from what
    is remembered of the camera."""
    footage: dict[str, Any] = {
        "sources": [_address(path) for path in recordings or ()], "live_seconds": live, "from_memory": memory,
    }  # fmt: skip
    order = {"profile": profile, "activate": activate} | {name: value for name, value in footage.items() if value}
    body = {name: value for name, value in order.items() if value is not None}
    enrolment = rest_client(api).post(f"/cameras/{camera}/enrolments", body)
    if wait:
        enrolment = _wait_for(enrolment, api, hidden=as_json)
    _print([enrolment], as_json)


@app.command("list")
def list_(
    camera: Annotated[str | None, typer.Argument(metavar="[CAMERA]", help="Of this camera only.")] = None,
    api: Api = None,
    as_json: AsJson = False,
) -> None:
    """List enrolments, newest first: what runs, what waits and why, and how the others ended."""
    path = "/enrolments" if camera is None else f"/cameras/{camera}/enrolments"
    _print(rest_client(api).get(path)["enrolments"], as_json)


@app.command("cancel")
def cancel(
    camera: CameraId,
    enrolment: Annotated[
        str | None, typer.Argument(metavar="[ENROLMENT]", help="Its id. Default: all of the camera that wait or run.")
    ] = None,
    api: Api = None,
    as_json: AsJson = False,
) -> None:
    """Cancel an enrolment that waits or runs. The banks stay as they are."""
    client, path = rest_client(api), f"/cameras/{camera}/enrolments"
    ids = [enrolment]
    if enrolment is None:
        ids = [job["id"] for job in client.get(path)["enrolments"] if job["state"] in _UNFINISHED]
        if not ids:
            raise RejectedError(f"nothing to cancel: no enrolment of {camera} waits or runs")
    _print([client.delete(f"{path}/{enrolment_id}") for enrolment_id in ids], as_json)


def _address(recording: str) -> str:
    return recording if recording.startswith("file:") else f"file:{Path(recording).expanduser().absolute()}"


def _wait_for(enrolment: dict[str, Any], api: str | None, *, hidden: bool) -> dict[str, Any]:
    """The enrolment once it is done. Raises `RetryableError` when it failed or was cancelled."""
    client = rest_client(api)
    with progress_bar(f"enrolling {enrolment['camera_id']}", hidden=hidden) as report:
        while enrolment["state"] in _UNFINISHED:
            time.sleep(_POLL_S)
            enrolment = client.get(f"/enrolments/{enrolment['id']}")
            report(enrolment["progress"], enrolment["detail"])
    if enrolment["state"] != "done":
        what = f"enrolment {enrolment['id']} of {enrolment['camera_id']}"
        raise RetryableError(f"{what} {enrolment['state']}: {enrolment['detail']}")
    return enrolment


def _print(enrolments: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        print_json(enrolments)
        return
    if not enrolments:
        typer.echo("no enrolments; start one: patchwatch enrolments add CAMERA --live SECONDS", err=True)
    for job in enrolments:
        footage = f"{job['live_seconds']:g} s live" if job["live_seconds"] else f"{len(job['sources'])} recordings"
        done = f" {job['progress']:.0%}" if job["state"] == "running" else ""
        detail = f"  {job['outcome'] or job['detail']}".rstrip()
        subject = f"{job['camera_id']:<16} {job['profile']:<10} {footage:<14}"
        typer.echo(f"{job['id']}  {subject} {job['state']}{done}{detail}")
