"""``patchwatch cameras discover``: looks for ONVIF cameras in the network, asks for their streams, adds them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from patchwatch.cli.commands.cameras.takeover import added_rows, print_rows
from patchwatch.cli.options import Api, AsJson, rest_client, stdin_line
from patchwatch.cli.output import print_json
from patchwatch.contract.errors import PatchwatchError, RejectedError
from patchwatch.nvr.known_camera import KnownCamera
from patchwatch.nvr.onvif_device import best_stream, device_streams
from patchwatch.nvr.ws_discovery import GROUP, Device, find_devices


def discover(
    host: Annotated[
        list[str] | None, typer.Option("--host", help="Ask this machine instead of the whole network; repeatable.")
    ] = None,
    user: Annotated[str, typer.Option("--user", help="The cameras' user. Its password is read from stdin.")] = "",
    add: Annotated[bool, typer.Option("--add", help="Add those that were found.")] = False,
    wait: Annotated[float, typer.Option(min=0.5, max=30, help="Seconds to wait for answers.")] = 3.0,
    profile: Annotated[str | None, typer.Option(help="Profile of those that are added.")] = None,
    api: Api = None,
    as_json: AsJson = False,
) -> None:
    """Find ONVIF cameras in the local network. With --user, ask each for its streams, once; with --add, add them.

    Of a camera's streams the smallest that is at least 640 pixels wide is taken.
    """
    if add and not user:
        raise RejectedError("--add needs the cameras' streams: give --user, and the password on standard input")
    password = stdin_line() if user else ""
    devices = find_devices(wait, [(one, GROUP[1]) for one in host or ()] or (GROUP,))
    if not devices:
        typer.echo(
            f"no camera answered within {wait:g} s: it may be in another network (--host), or have ONVIF off", err=True
        )
    cameras = [_camera(device, user, password) for device in devices] if user else []
    rows = added_rows(rest_client(api), cameras, profile, dry_run=not add) if user else _devices(devices)
    if as_json:
        print_json(rows)
    elif user:
        print_rows(rows)
    else:
        for device in devices:
            typer.echo(f"{device.name:<30} {device.address}")


def _devices(devices: Sequence[Device]) -> list[dict[str, Any]]:
    return [{"name": device.name, "host": device.host, "address": device.address} for device in devices]


def _camera(device: Device, user: str, password: str) -> KnownCamera:
    try:
        stream = best_stream(device_streams(device, user, password))
    except PatchwatchError as error:
        return KnownCamera(device.name, reason=str(error))
    if stream is None:
        return KnownCamera(device.name, reason="it has no video stream: look at its settings")
    return KnownCamera.from_source(device.name, stream.source)
