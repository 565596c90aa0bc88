"""``patchwatch banks list|show|activate|pin|unpin|remove``: what each bank knows, and which one scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from patchwatch.cli.options import AsJson, BankProfile, CameraId, profile_of_bank
from patchwatch.cli.output import print_json, print_outcome
from patchwatch.contract.errors import NotFoundError
from patchwatch.contract.learning_advice import how_to_learn
from patchwatch.contract.settings import load_settings
from patchwatch.messages.base import checked_camera_id

if TYPE_CHECKING:
    from patchwatch.messages.banks.bank_version import BankVersion
    from workers.enrolment.banks.bank_versions import BankVersions

_BankId = Annotated[str, typer.Argument(metavar="BANK", help="Id of the bank, as `patchwatch banks list` shows it.")]


def show(
    camera: CameraId,
    bank: Annotated[str | None, typer.Argument(metavar="[BANK]", help="Its id. Default: the active one.")] = None,
    profile: BankProfile = None,
    as_json: AsJson = False,
) -> None:
    """Show what a bank was learnt from, how complete it is, and above which score it raises alerts."""
    from models.banks.bank_file import load_bank
    from patchwatch.cli.commands.banks.alarm_budget import alarm_budget
    from patchwatch.cli.commands.banks.bank_text import print_bank

    asked = profile_of_bank(load_settings(), checked_camera_id(camera), profile)
    versions = _versions(camera, asked) if bank is None else _versions_with(camera, bank)
    path = versions.active_path if bank is None else versions.path(bank)
    loaded = load_bank(path)
    print_bank(
        loaded, versions.get(loaded.id), path, budget=alarm_budget(load_settings(), camera),
        active=loaded.id == versions.active_id, outcome="", as_json=as_json,
    )  # fmt: skip


def list_(camera: CameraId, as_json: AsJson = False) -> None:
    """List all banks of a camera, newest first: * scores, p is pinned."""
    from workers.enrolment.banks.bank_versions import profiles_with_banks

    settings = load_settings()
    profiles = profiles_with_banks(settings.banks_dir, checked_camera_id(camera))
    rows = [
        (version, version.id == versions.active_id)
        for versions in (_versions(camera, profile) for profile in profiles)
        for version in versions.all()
    ]
    if as_json:
        print_json([version.model_dump(mode="json") | {"active": active} for version, active in rows])
        return
    if not rows:
        typer.echo(f"{camera} has no banks in {settings.banks_dir}: learn one {how_to_learn(camera)}", err=True)
    for version, active in rows:
        typer.echo(_line(version, active=active))


def activate(camera: CameraId, bank: _BankId, as_json: AsJson = False) -> None:
    """Score with this bank, for example to go back after an enrolment. A running service follows within seconds."""
    version = _versions_with(camera, bank).activate(bank, by_operator=True)
    facts = version.model_dump(mode="json") | {"active": True}
    print_outcome(f"bank {bank} ({version.in_words}) of {camera} is active", facts, as_json=as_json)


def pin(camera: CameraId, bank: _BankId, as_json: AsJson = False) -> None:
    """Keep a bank, however many newer ones there are."""
    _pin(camera, bank, True, f"bank {bank} of {camera} is kept for good", as_json)


def unpin(camera: CameraId, bank: _BankId, as_json: AsJson = False) -> None:
    """Let newer banks push this one out again."""
    _pin(camera, bank, False, f"bank {bank} of {camera} is removed when newer ones need its place", as_json)


def remove(camera: CameraId, bank: _BankId, as_json: AsJson = False) -> None:
    """Delete a bank for good. The active bank and pinned ones are refused."""
    _versions_with(camera, bank).remove(bank)
    facts = {"id": bank, "camera_id": camera, "removed": True}
    print_outcome(f"removed bank {bank} of {camera}", facts, as_json=as_json)


def _pin(camera: str, bank: str, pinned: bool, sentence: str, as_json: bool) -> None:
    versions = _versions_with(camera, bank)
    versions.pin(bank, pinned)
    facts = versions.get(bank).model_dump(mode="json") | {"active": bank == versions.active_id}
    print_outcome(sentence, facts, as_json=as_json)


def _versions(camera: str, profile: str) -> BankVersions:
    from workers.enrolment.banks.bank_versions import BankVersions

    return BankVersions.from_settings(load_settings(), checked_camera_id(camera), profile)


def _versions_with(camera: str, bank: str) -> BankVersions:
    """The banks of the profile that this bank belongs to. Raises `NotFoundError`."""
    from workers.enrolment.banks.bank_versions import profiles_with_banks

    for profile in profiles_with_banks(load_settings().banks_dir, checked_camera_id(camera)):
        versions = _versions(camera, profile)
        if any(version.id == bank for version in versions.all()):
            return versions
    raise NotFoundError(f"camera {camera} has no bank {bank!r}: see `patchwatch banks list {camera}`")


def _line(version: BankVersion, *, active: bool) -> str:
    marks = ("*" if active else " ") + ("p" if version.pinned else " ")
    content = version.in_words if version.usable else f"format {version.format}, which this version cannot read"
    sources = ", ".join(version.sources)
    return (
        f"{marks} {version.id}  {version.profile:<10} {version.created_at}  {content}  {sources}  ({version.origin.by})"
    )
