"""``patchwatch cameras import``: takes over the cameras that Frigate or go2rtc know."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from patchwatch.cli.options import Api, AsJson, rest_client
from patchwatch.cli.output import print_json
from patchwatch.contract.errors import RejectedError
from patchwatch.nvr.document import read_document
from patchwatch.nvr.env_file import read_env_file
from patchwatch.nvr.frigate import Frigate
from patchwatch.nvr.go2rtc import RTSP_PORT, go2rtc_cameras
from patchwatch.nvr.known_camera import KnownCamera, with_ids
from patchwatch.rest_client import RestClient

_Frigate = Annotated[
    str | None,
    typer.Option(metavar="FILE|URL", help="Frigate's configuration file, or its address like http://nvr:5000."),
]
_Go2rtc = Annotated[str | None, typer.Option(metavar="URL", help="go2rtc's address, like http://nvr:1984.")]


def import_(
    frigate: _Frigate = None,
    go2rtc: _Go2rtc = None,
    host: Annotated[
        str | None, typer.Option(help="Where the restreams are. Default: the host of the address, or 127.0.0.1.")
    ] = None,
    rtsp_port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the restreams.")] = RTSP_PORT,
    direct: Annotated[bool, typer.Option("--direct", help="Connect to the cameras themselves.")] = False,
    env_file: Annotated[
        Path | None, typer.Option(help="Where NAME=VALUE lines say what {FRIGATE_...} in addresses stands for.")
    ] = None,
    only: Annotated[list[str] | None, typer.Option("--only", metavar="NAME", help="Only this one; repeatable.")] = None,
    profile: Annotated[str | None, typer.Option(help="Profile of all of them.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be added, and add nothing.")] = False,
    api: Api = None,
    as_json: AsJson = False,
) -> None:
    """Add the cameras of a Frigate or go2rtc, by their restreams, so that each camera still has one connection.

    Frigate's zones come along as names. A camera that is there already, by its id, stays as it is.
    """
    if (frigate is None) == (go2rtc is None):
        raise RejectedError("give --frigate FILE or URL, or --go2rtc URL")
    cameras = _known(frigate, go2rtc, host, Frigate("", rtsp_port, direct, read_env_file(env_file)))
    rows = added_rows(rest_client(api), _chosen(cameras, only), profile, dry_run=dry_run)
    print_json(rows) if as_json else print_rows(rows)
    if all(row["outcome"] in ("refused", "not taken") for row in rows):
        raise RejectedError("no camera was taken; the lines above say why")


def _known(frigate: str | None, go2rtc: str | None, host: str | None, reached: Frigate) -> list[KnownCamera]:
    place = frigate or go2rtc or ""
    web = urlsplit(place) if place.startswith(("http://", "https://")) else None
    if go2rtc is not None and web is None:
        raise RejectedError("--go2rtc takes an address, like http://nvr:1984")
    host = host or (web.hostname if web else None) or "127.0.0.1"
    if go2rtc is not None:
        return go2rtc_cameras(read_document(place, "/api/streams"), host, reached.rtsp_port)
    there = Frigate(host, reached.rtsp_port, reached.direct, reached.variables)
    return there.cameras(read_document(place, "/api/config"))


def _chosen(cameras: Sequence[KnownCamera], only: Sequence[str] | None) -> list[KnownCamera]:
    unknown = sorted(set(only or ()) - {camera.name for camera in cameras})
    if unknown:
        names = ", ".join(sorted(camera.name for camera in cameras))
        raise RejectedError(f"there is no camera {', '.join(unknown)}: there are {names}")
    return [camera for camera in cameras if not only or camera.name in only]


def added_rows(
    client: RestClient, cameras: Sequence[KnownCamera], profile: str | None, *, dry_run: bool
) -> list[dict[str, Any]]:
    """Adds cameras one by one, and says what became of each: what one is refused for does not keep the next one out."""
    there = {camera["id"] for camera in client.get("/cameras")["cameras"]}
    ids = with_ids(cameras)
    return [_row(camera, id, *_outcome(client, camera, id, profile, there, dry_run)) for camera, id in ids]


def _row(camera: KnownCamera, camera_id: str, outcome: str, detail: str) -> dict[str, Any]:
    return {
        "name": camera.name, "id": camera_id, "source": camera.shown_source, "outcome": outcome, "detail": detail,
        "zones": [zone["name"] for zone in camera.zones], "zones_left_out": list(camera.left_out),
    }  # fmt: skip


def _outcome(
    client: RestClient, camera: KnownCamera, camera_id: str, profile: str | None, there: set[str], dry_run: bool
) -> tuple[str, str]:
    if camera.reason is not None:
        return "not taken", camera.reason
    if camera_id in there:
        return "kept", "a camera of this id is there already"
    if dry_run:
        return "would be added", ""
    try:
        client.post("/cameras", camera.fields(camera_id) | ({"profile": profile} if profile else {}))
    except RejectedError as error:
        return "refused", str(error)
    return "added", ""


def print_rows(rows: Sequence[dict[str, Any]]) -> None:
    """A line for each camera on stdout, and for each of its zones that stays behind on stderr."""
    for row in rows:
        detail = f": {row['detail']}" if row["detail"] else ""
        typer.echo(f"{row['name']:<20} {row['id']:<20} {row['source']}  {row['outcome']}{detail}")
        for line in row["zones_left_out"]:
            typer.echo(f"{'':<20} without {line}", err=True)
