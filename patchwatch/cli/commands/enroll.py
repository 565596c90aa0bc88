"""``patchwatch enroll``: learn a camera's normal from recordings."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryFile
from typing import Annotated

import typer

from patchwatch.contract.errors import ConfigurationError, RejectedError
from patchwatch.contract.settings import load_settings
from patchwatch.messages.base import checked_camera_id
from patchwatch.messages.source import Source, SourceKind


def enroll(
    sources: Annotated[list[str], typer.Argument(help="Recordings (or rtsp:// with --seconds) of normal only.")],
    camera: Annotated[str, typer.Option(help="Camera id the bank is for.")],
    profile: Annotated[str, typer.Option(help="motion, objects, clip, reference, or one of your own.")] = "motion",
    fps: Annotated[float | None, typer.Option(help="Analysis rate. Default: PATCHWATCH_ANALYSIS_FPS.")] = None,
    seconds: Annotated[float | None, typer.Option(help="Read at most this much of each source.")] = None,
    activate: Annotated[
        bool, typer.Option("--activate", help="Use the new bank even if it is worse than the present one.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Learn what is normal for a camera and write its memory bank.

    The bank before is kept: `patchwatch bank list` shows all, `patchwatch bank activate` goes back.
    """
    from models.banks.bank_file import load_bank
    from models.profiles.profile import load_profile
    from patchwatch.cli.alarm_budget import budget_of
    from patchwatch.cli.bank_text import show
    from patchwatch.cli.progress import progress_bar
    from workers.enrolment.bank_store import command_origin, store_bank
    from workers.enrolment.bank_versions import BankVersions
    from workers.enrolment.process import learn_in_process
    from workers.enrolment.protocol import LearningOrder

    settings = load_settings()
    checked_camera_id(camera)
    load_profile(profile, settings.profiles_file)
    opened = [local_source(source, live=seconds is not None) for source in sources]
    versions = BankVersions.from_settings(settings, camera, profile)
    check_folder(versions.active_path.parent)
    budget = budget_of(settings, camera)
    with versions.staging() as staged:
        order = LearningOrder(
            camera_id=camera, profile=profile, sources=tuple(_as_text(source) for source in opened), analysis_fps=fps,
            limit_s=seconds, false_alarms_per_day=budget.per_day, staged=staged,
        )  # fmt: skip
        with progress_bar(f"enrolling {camera}", hidden=as_json) as report:
            learn_in_process(order, settings, progress=report)
        bank = load_bank(staged)
        stored = store_bank(bank, staged, versions, command_origin("patchwatch enroll"), activate=activate)
    path = versions.active_path if stored.activated else versions.path(bank.id)
    show(bank, stored.version, path, budget=budget, active=stored.activated, outcome=stored.summary, as_json=as_json)


def check_folder(folder: Path) -> None:
    """Raises `ConfigurationError` when no bank can be written there: before minutes of learning, not after."""
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    try:
        with TemporaryFile(dir=there):
            return
    except OSError as error:
        raise ConfigurationError(
            f"{there} cannot be written to ({error.strerror}): correct PATCHWATCH_DATA_DIR or its permissions"
        ) from None


def local_source(text: str, *, live: bool) -> str | Path:
    """A path or ``file:`` URL as a path, or an RTSP address where ``live``. Raises `RejectedError`."""
    if "://" not in text and not text.startswith("file:"):
        path = Path(text).expanduser()
    else:
        source = Source.parse(text)
        if source.kind is SourceKind.PULL:
            if not live:
                raise RejectedError(f"{source} never ends: say with --seconds how much of it to read")
            return source.url
        path = source.path
    if not path.is_file():
        raise RejectedError(f"{path} is not a file: name a video file, or rtsp://... with --seconds")
    return path


def _as_text(source: str | Path) -> str:
    return source if isinstance(source, str) else str(source.absolute())
