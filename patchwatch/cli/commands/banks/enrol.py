"""``patchwatch banks enrol``: learns what is normal for a camera from recordings."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Annotated

import typer

from patchwatch.cli.options import AnalysisFps, AsJson, Profile
from patchwatch.cli.zone_text import ZoneFile, ZoneTexts, given_zones
from patchwatch.contract.errors import ConfigurationError, RejectedError
from patchwatch.contract.settings import load_settings
from patchwatch.messages.base import checked_camera_id
from patchwatch.messages.cameras.source import Source, SourceKind

if TYPE_CHECKING:
    from models.banks.bank import Bank
    from patchwatch.contract.settings import Settings
    from workers.enrolment.learning.protocol import LearningOrder


_Activate = Annotated[
    bool, typer.Option("--activate", help="Use the new bank even if it is worse than the present one.")
]


def enrol(
    sources: Annotated[list[str], typer.Argument(help="Recordings of normal only, or rtsp:// with --seconds.")],
    camera: Annotated[str, typer.Option(help="Camera id the bank is for.")],
    profile: Profile = None,
    fps: AnalysisFps = None,
    seconds: Annotated[float | None, typer.Option(help="Read at most this much of each source.")] = None,
    zone: ZoneTexts = None,
    zone_file: ZoneFile = None,
    activate: _Activate = False,
    as_json: AsJson = False,
) -> None:
    """Learn what is normal for a camera from recordings, and write its memory bank.

    The previous bank is kept: `patchwatch banks list` shows all, `patchwatch banks activate` goes back. The camera's
    zones hold for its recordings too; where no service runs that knows them, those of its present bank.
    """
    from patchwatch.cli.commands.banks.alarm_budget import alarm_budget
    from patchwatch.cli.commands.banks.bank_text import print_bank
    from patchwatch.cli.commands.banks.zones import zones_to_learn
    from workers.enrolment.banks.bank_store import command_origin, store_bank
    from workers.enrolment.banks.bank_versions import BankVersions
    from workers.enrolment.learning.protocol import LearningOrder

    settings = load_settings()
    profile = profile or settings.default_profile
    footage = _checked_footage(settings, camera, profile, sources, live=seconds is not None)
    versions = BankVersions.from_settings(settings, camera, profile)
    budget = alarm_budget(settings, camera)
    with versions.staging() as staged:
        order = LearningOrder(
            camera_id=camera, profile=profile, sources=tuple(_as_text(source) for source in footage), analysis_fps=fps,
            limit_s=seconds, false_alarms_per_day=budget.per_day, staged=staged,
            zones=zones_to_learn(settings, camera, versions.active_path, given_zones(zone, zone_file)),
        )  # fmt: skip
        bank = _learn(order, settings, quiet=as_json)
        stored = store_bank(bank, staged, versions, command_origin("patchwatch banks enrol"), activate=activate)
    path = versions.active_path if stored.activated else versions.path(bank.id)
    print_bank(
        bank, stored.version, path, budget=budget, active=stored.activated, outcome=stored.summary, as_json=as_json
    )


def _checked_footage(
    settings: Settings, camera: str, profile: str, sources: list[str], *, live: bool
) -> list[str | Path]:
    """Raises as the checks do, before anything is begun."""
    from models.profiles.profile import load_profile

    checked_camera_id(camera)
    load_profile(profile, settings.profiles_file)
    check_folder(settings.bank_path(camera, profile).parent)
    return [local_source(source, live=live) for source in sources]


def _learn(order: LearningOrder, settings: Settings, *, quiet: bool) -> Bank:
    from models.banks.bank_file import load_bank
    from patchwatch.cli.progress import progress_bar
    from workers.enrolment.learning.process import learn_in_process

    with progress_bar(f"enrolling {order.camera_id}", hidden=quiet) as report:
        learn_in_process(order, settings, progress=report)
    return load_bank(order.staged)


def check_folder(folder: Path) -> None:
    """Raises `ConfigurationError` when no bank can be written there: before minutes of learning, not after."""
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    try:
        with TemporaryFile(dir=existing):
            return
    except OSError as error:
        raise ConfigurationError(
            f"{existing} cannot be written to ({error.strerror}): correct PATCHWATCH_DATA_DIR or its permissions"
        ) from None


def local_source(text: str, *, live: bool) -> str | Path:
    """A path or ``file:`` URL as a path, or an RTSP address where ``live``. Raises `RejectedError`."""
    if "://" not in text and not text.startswith("file:"):
        path = Path(text).expanduser()
    else:
        source = Source.parse(text)
        if source.kind is SourceKind.PULL:
            if not live:
                raise RejectedError(f"{source} never ends: give --seconds to say how much of it to read")
            return source.url
        path = source.path
    if not path.is_file():
        raise RejectedError(f"{path} is not a file: name a video file, or rtsp://... with --seconds")
    return path


def _as_text(source: str | Path) -> str:
    return source if isinstance(source, str) else str(source.absolute())
