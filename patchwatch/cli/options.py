"""Arguments and options that several commands share."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from patchwatch.contract.settings import Settings, load_settings
from patchwatch.rest_client import RestClient

Api = Annotated[
    str | None, typer.Option("--api", help="Address of the service. Default: PATCHWATCH_HOST and PATCHWATCH_PORT.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
CameraId = Annotated[str, typer.Argument(metavar="CAMERA", help="Camera id.")]
NewId = Annotated[str, typer.Argument(metavar="ID", help="Lower-case letters, digits, '-' and '_'.")]
Profile = Annotated[
    str | None,
    typer.Option(
        help="scene, objects, motion, clip, reference, or one of your own. Default: PATCHWATCH_DEFAULT_PROFILE."
    ),
]
BankProfile = Annotated[
    str | None,
    typer.Option(help="Profile of the bank. Default: the camera's only one, or PATCHWATCH_DEFAULT_PROFILE."),
]
AnalysisFps = Annotated[
    float | None, typer.Option(help="Frames analysed per second. Default: PATCHWATCH_ANALYSIS_FPS.")
]


def profile_of_bank(settings: Settings, camera: str, profile: str | None) -> str:
    """The profile that is asked for, or the default one, or the only one for which the camera has banks."""
    from workers.enrolment.banks.bank_versions import profiles_with_banks

    if profile is not None:
        return profile
    existing = profiles_with_banks(settings.banks_dir, camera)
    return existing[0] if len(existing) == 1 else settings.default_profile


def rest_client(api: str | None) -> RestClient:
    """A client of the service that ``--api`` or the settings name."""
    return RestClient.from_settings(load_settings(), api)


def stdin_line() -> str:
    """The next line of standard input: a secret, which as an argument would show in process lists."""
    return sys.stdin.readline().rstrip("\r\n")
