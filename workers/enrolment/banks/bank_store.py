"""Stores a bank that was just learnt: it becomes a version, and the active one unless it is worse than that."""

from __future__ import annotations

import getpass
import socket
from dataclasses import dataclass
from pathlib import Path

from models.banks.bank import Bank
from models.banks.bank_file import check_identity, load_bank
from models.frames.view import ViewMask
from models.tampering.expectation import Expectation
from patchwatch import __version__
from patchwatch.contract.errors import BankMismatchError, NotFoundError
from patchwatch.messages.banks.bank_version import BankOrigin, BankVersion
from workers.enrolment.banks.bank_versions import BankVersions

SOFTWARE = f"patchwatch {__version__}"
_OTHER_ZONES = "the camera has other zones since: what was learnt with those before does not count"
_ANOTHER_VIEW = "the camera shows another view since: how much was learnt of the one before does not count"


@dataclass(frozen=True)
class StoredBank:
    """``summary``: one sentence for people, with the command that undoes or completes it."""

    version: BankVersion
    activated: bool
    summary: str


def command_origin(command: str) -> BankOrigin:
    """The origin of a bank that a user of this machine learns by a command."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as containers have
        user = "somebody"
    return BankOrigin(by=f"{command} by {user} on {socket.gethostname()}"[:200], software=SOFTWARE)


def store_bank(bank: Bank, staged: Path, versions: BankVersions, origin: BankOrigin, *, activate: bool) -> StoredBank:
    """Keep a staged bank. Score with it if it is no worse than the present one, if that one shows another view or was
    learnt with other zones, or if ``activate`` is set.

    Raises `StorageError`.
    """
    present = _present(versions)
    stored = versions.add(staged, bank, origin)
    why_not = why = ""
    if present is not None and not activate:
        why_not, why = _compared(bank, stored.version, present, versions)
    if not why_not:
        versions.activate(bank.id)
    summary = _summary(stored.version, present, why_not, why)
    if stored.removed:
        gone = ", ".join(version.id for version in stored.removed)
        summary += f". The oldest were removed to make room ({gone}): PATCHWATCH_BANK_VERSIONS says how many are kept"
    return StoredBank(stored.version, not why_not, summary)


def _present(versions: BankVersions) -> BankVersion | None:
    active_id = versions.active_id
    return next((version for version in versions.all() if version.id == active_id), None)


def _compared(bank: Bank, new: BankVersion, present: BankVersion, versions: BankVersions) -> tuple[str, str]:
    """Why the present bank should stay, or why it is replaced although the new one is worse.

    Both are empty where the new one is no worse, or where the present one cannot score here any more. A view that
    changed makes the camera leave no bank that an operator chose.
    """
    worse = new.worse_than(present)
    if not worse:
        return "", ""
    try:
        before = load_bank(versions.active_path)
        check_identity(before, bank.profile, bank.identity)
    except (BankMismatchError, NotFoundError):
        return "", ""
    if new.origin.by_itself and present.chosen:
        return worse, ""
    if not before.view.counts_like(bank.view):
        return "", _OTHER_ZONES
    if Expectation(before.moments.thumbnails, ViewMask(bank.view)).excludes(bank.moments.thumbnails):
        return "", _ANOTHER_VIEW
    return worse, ""


def _summary(new: BankVersion, present: BankVersion | None, why_not: str, why: str) -> str:
    camera_id = new.camera_id
    if why_not and present is not None and new.origin.by_itself and present.chosen:
        return (
            f"kept the present bank {present.id}, because {why_not}. Let the camera go on by itself with "
            f"`patchwatch banks activate {camera_id} {new.id}`"
        )
    if why_not and present is not None:
        return (
            f"kept the present bank {present.id}, because {why_not}. Activate the new one all the same with "
            f"`patchwatch banks activate {camera_id} {new.id}`, "
            f"or POST /api/v1/cameras/{camera_id}/banks/{new.id}/activate"
        )
    if present is None or present.id == new.id:
        return f"bank {new.id} is active"
    because = f", because {why}" if why else ""
    return (
        f"bank {new.id} ({new.in_words}) took the place of {present.id} ({present.in_words}){because}. "
        f"Go back with `patchwatch banks activate {camera_id} {present.id}`"
    )
