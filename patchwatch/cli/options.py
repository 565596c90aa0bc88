"""Arguments and options that several commands share."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from patchwatch.contract.settings import load_settings
from patchwatch.rest_client import RestClient

Api = Annotated[
    str | None, typer.Option("--api", help="Address of the service. Default: PATCHWATCH_HOST and PATCHWATCH_PORT.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
CameraId = Annotated[str, typer.Argument(metavar="CAMERA", help="Camera id.")]
NewId = Annotated[str, typer.Argument(metavar="ID", help="Lower-case letters, digits, '-' and '_'.")]
Profile = Annotated[str, typer.Option(help="motion, objects, clip, reference, or one of your own.")]
AnalysisFps = Annotated[
    float | None, typer.Option(help="Frames analysed per second. Default: PATCHWATCH_ANALYSIS_FPS.")
]


def rest_client(api: str | None) -> RestClient:
    """A client of the service that ``--api`` or the settings name."""
    return RestClient.from_settings(load_settings(), api)


def stdin_line() -> str:
    """The next line of standard input: a secret, which as an argument would show in process lists."""
    return sys.stdin.readline().rstrip("\r\n")
