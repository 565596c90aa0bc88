"""``patchwatch enrolments``: what a running service learns and has learnt, over its REST API."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from patchwatch.cli.plain_help import plain_typer
from patchwatch.cli.progress import progress_bar
from patchwatch.cli.rest_client import ask
from patchwatch.contract.errors import RejectedError, RetryableError
from patchwatch.contract.settings import load_settings

app = plain_typer("Let a running service learn what is normal; list and cancel that.")

_LOOK_EVERY_S = 1.0

_Api = Annotated[
    str | None, typer.Option("--api", help="Address of the service. Default: PATCHWATCH_HOST and PATCHWATCH_PORT.")
]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Camera = Annotated[str, typer.Argument(metavar="CAMERA", help="Camera id.")]


@app.command("add")
def add(
    camera: _Camera,
    recordings: Annotated[
        list[str] | None, typer.Argument(help="Recordings of normal only, in a media folder of the service.")
    ] = None,
    live: Annotated[float | None, typer.Option(help="Learn from so many seconds of the live camera instead.")] = None,
    profile: Annotated[str | None, typer.Option(help="Default: the camera's.")] = None,
    activate: Annotated[
        bool, typer.Option("--activate", help="Use the new bank even if it is worse than the present one.")
    ] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Show its progress, and return when it is over.")] = False,
    api: _Api = None,
    as_json: _Json = False,
) -> None:
    """Have a camera's normal learnt: from the camera itself, or from recordings that the service can read."""
    body: dict[str, Any] = {"sources": [_address(one) for one in recordings or ()], "live_seconds": live}
    given = {"profile": profile, "activate": activate, **{name: value for name, value in body.items() if value}}
    path = f"/cameras/{camera}/enrolments"
    job = ask(load_settings(), api, "POST", path, {name: value for name, value in given.items() if value is not None})
    if wait:
        job = _followed(job, api, hidden=as_json)
    _show([job], as_json)


@app.command("list")
def list_(
    camera: Annotated[str | None, typer.Argument(metavar="[CAMERA]", help="Of this camera only.")] = None,
    api: _Api = None,
    as_json: _Json = False,
) -> None:
    """List enrolments, newest first: what runs, what waits and why, and how the others ended."""
    path = "/enrolments" if camera is None else f"/cameras/{camera}/enrolments"
    _show(ask(load_settings(), api, "GET", path)["enrolments"], as_json)


@app.command("cancel")
def cancel(
    camera: _Camera,
    enrolment: Annotated[
        str | None, typer.Argument(metavar="[ENROLMENT]", help="Its id. Default: all of the camera that are not over.")
    ] = None,
    api: _Api = None,
    as_json: _Json = False,
) -> None:
    """Cancel an enrolment that waits or runs. The banks stay as they are."""
    settings = load_settings()
    path = f"/cameras/{camera}/enrolments"
    ids = [enrolment]
    if enrolment is None:
        found = ask(settings, api, "GET", path)["enrolments"]
        ids = [job["id"] for job in found if job["state"] in ("queued", "running")]
        if not ids:
            raise RejectedError(f"nothing to cancel: no enrolment of {camera} waits or runs")
    _show([ask(settings, api, "DELETE", f"{path}/{one}") for one in ids], as_json)


def _address(recording: str) -> str:
    return recording if recording.startswith("file:") else f"file:{Path(recording).expanduser().absolute()}"


def _followed(job: dict[str, Any], api: str | None, *, hidden: bool) -> dict[str, Any]:
    with progress_bar(f"enrolling {job['camera_id']}", hidden=hidden) as report:
        while job["state"] in ("queued", "running"):
            time.sleep(_LOOK_EVERY_S)
            job = ask(load_settings(), api, "GET", f"/enrolments/{job['id']}")
            report(job["progress"], job["detail"])
    if job["state"] != "done":
        raise RetryableError(f"enrolment {job['id']} of {job['camera_id']} {job['state']}: {job['detail']}")
    return job


def _show(jobs: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(jobs))
        return
    if not jobs:
        typer.echo("no enrolments; start one: patchwatch enrolments add CAMERA --live SECONDS", err=True)
    for job in jobs:
        footage = f"{job['live_seconds']:g} s live" if job["live_seconds"] else f"{len(job['sources'])} recordings"
        done = f" {job['progress']:.0%}" if job["state"] == "running" else ""
        words = f"  {job['outcome'] or job['detail']}".rstrip()
        what = f"{job['camera_id']:<16} {job['profile']:<10} {footage:<14}"
        typer.echo(f"{job['id']}  {what} {job['state']}{done}{words}")
