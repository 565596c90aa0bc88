"""``patchwatch bank``: the banks of a camera on this machine's disk: what each knows, and which one scores."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from patchwatch.cli.plain_help import PlainGroup, plain_typer
from patchwatch.contract.errors import NotFoundError
from patchwatch.contract.settings import load_settings
from patchwatch.messages.base import checked_camera_id

if TYPE_CHECKING:
    from patchwatch.messages.bank_version import BankVersion
    from workers.enrolment.bank_versions import BankVersions


class _ShowByDefault(PlainGroup):
    """``patchwatch bank CAMERA`` means ``patchwatch bank show CAMERA``."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # Typer brings a click of its own
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            args = ["show", *args]
        return super().resolve_command(ctx, args)


app = plain_typer(
    "Show, list, activate, pin and remove the banks of a camera. `bank CAMERA` is short for `bank show CAMERA`.",
    _ShowByDefault,
)

_Camera = Annotated[str, typer.Argument(metavar="CAMERA", help="Camera id.")]
_Bank = Annotated[str, typer.Argument(metavar="BANK", help="Id of the bank, as `patchwatch bank list` shows it.")]
_Profile = Annotated[str, typer.Option(help="motion, objects, clip, reference, or one of your own.")]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("show")
def show(
    camera: _Camera,
    bank: Annotated[str | None, typer.Argument(metavar="[BANK]", help="Its id. Default: the active one.")] = None,
    profile: _Profile = "motion",
    as_json: _Json = False,
) -> None:
    """Show what a bank was learnt from, how complete it is, and from which score on it alerts."""
    from models.banks.bank_file import load_bank
    from patchwatch.cli.alarm_budget import budget_of
    from patchwatch.cli.bank_text import show as show_bank

    versions = _of_profile(camera, profile) if bank is None else _holding(camera, bank)
    path = versions.active_path if bank is None else versions.path(bank)
    found = load_bank(path)
    active = found.id == versions.active_id
    budget = budget_of(load_settings(), camera)
    show_bank(found, versions.get(found.id), path, budget=budget, active=active, outcome="", as_json=as_json)


@app.command("list")
def list_(camera: _Camera, as_json: _Json = False) -> None:
    """List all banks of a camera, newest first; * marks those that score."""
    from workers.enrolment.bank_versions import profiles_with_banks

    settings = load_settings()
    profiles = profiles_with_banks(settings.banks_dir, checked_camera_id(camera))
    rows = [
        (one, one.id == versions.active_id)
        for versions in (_of_profile(camera, profile) for profile in profiles)
        for one in versions.all()
    ]
    if as_json:
        typer.echo(json.dumps([one.model_dump(mode="json") | {"active": active} for one, active in rows]))
        return
    if not rows:
        typer.echo(
            f"no banks of {camera} in {settings.banks_dir}: learn one from the live camera with "
            f"`patchwatch enrolments add {camera} --live 600`, or from recordings with "
            f"`patchwatch enroll --camera {camera} VIDEO...`"
        )
    for one, active in rows:
        typer.echo(_line(one, active=active))


@app.command("activate")
def activate(camera: _Camera, bank: _Bank) -> None:
    """Let a bank score: the way back after an enrolment, too. A running service takes it up within a second or two."""
    version = _holding(camera, bank).activate(bank)
    typer.echo(f"bank {bank} ({version.in_words}) of {camera} is active", err=True)


@app.command("pin")
def pin(camera: _Camera, bank: _Bank) -> None:
    """Keep a bank, however many newer ones there are."""
    _holding(camera, bank).pin(bank)
    typer.echo(f"bank {bank} of {camera} is kept for good", err=True)


@app.command("unpin")
def unpin(camera: _Camera, bank: _Bank) -> None:
    """Let a bank go in its turn again."""
    _holding(camera, bank).pin(bank, False)
    typer.echo(f"bank {bank} of {camera} goes when newer ones need its place", err=True)


@app.command("remove")
def remove(camera: _Camera, bank: _Bank) -> None:
    """Delete a bank for good. The active one and pinned ones are refused."""
    _holding(camera, bank).remove(bank)
    typer.echo(f"removed bank {bank} of {camera}", err=True)


def _of_profile(camera: str, profile: str) -> BankVersions:
    from workers.enrolment.bank_versions import BankVersions

    return BankVersions.from_settings(load_settings(), checked_camera_id(camera), profile)


def _holding(camera: str, bank: str) -> BankVersions:
    """The profile's banks that this one is among. Raises `NotFoundError`."""
    from workers.enrolment.bank_versions import profiles_with_banks

    for profile in profiles_with_banks(load_settings().banks_dir, checked_camera_id(camera)):
        versions = _of_profile(camera, profile)
        if any(one.id == bank for one in versions.all()):
            return versions
    raise NotFoundError(f"there is no bank {bank!r} of camera {camera}: see `patchwatch bank list {camera}`")


def _line(one: BankVersion, *, active: bool) -> str:
    marks = ("*" if active else " ") + ("p" if one.pinned else " ")
    source = ", ".join(one.sources[:3]) + (f" and {len(one.sources) - 3} more" if len(one.sources) > 3 else "")
    known = one.in_words if one.usable else f"format {one.format}, which this version cannot read"
    return f"{marks} {one.id}  {one.profile:<10} {one.created_at}  {known}  {source}  ({one.origin.by})"
