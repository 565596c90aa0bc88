"""Which zones a command on recordings goes by: those that it is given, those of the camera, or those of its bank."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from patchwatch.cli.commands.banks.camera_record import redis_url, stored_camera
from patchwatch.cli.zone_text import checked_zones
from patchwatch.contract.errors import BankMismatchError, BusUnavailableError, NotFoundError
from patchwatch.messages.cameras.camera import readable_zones

if TYPE_CHECKING:
    from typing import Any

    from models.frames.view import View
    from patchwatch.contract.settings import Settings
    from patchwatch.messages.cameras.zones.zone import Zone


def camera_zones(
    settings: Settings, camera_id: str, given: list[dict[str, Any]] | None = None
) -> tuple[Zone, ...] | None:
    """The zones ``given``, else those of the camera; None where nobody knows of the camera.

    Raises `BusUnavailableError` where they are not to be had, and `RejectedError` where they cannot be read: what they
    hide must not be looked at.
    """
    if given is not None:
        return checked_zones(given)
    if (url := redis_url(settings)) is None:
        return None
    try:
        record = stored_camera(url, camera_id)
    except BusUnavailableError as error:
        raise BusUnavailableError(
            f"the zones of {camera_id} are not known, and what they hide must not be read: {error}; start it, or give "
            "the zones with --zone-file (a file with [] for none)"
        ) from None
    return None if record is None else readable_zones(record)


def view_to_score(settings: Settings, camera_id: str, learnt: View, given: list[dict[str, Any]] | None = None) -> View:
    """What counts in a recording of the camera; as when its bank was ``learnt`` where nobody knows of the camera."""
    from workers.analysis.zone_view import view_of

    zones = camera_zones(settings, camera_id, given)
    return learnt if zones is None else view_of(zones)


def zones_to_learn(
    settings: Settings, camera_id: str, active: Path, given: list[dict[str, Any]] | None = None
) -> tuple[Zone, ...]:
    """The zones to learn a bank with; those of the bank at ``active``, if it is there and can be read, where nobody
    knows of the camera."""
    from models.banks.bank_file import load_bank
    from workers.analysis.zone_view import zones_of

    zones = camera_zones(settings, camera_id, given)
    if zones is not None:
        return zones
    with suppress(NotFoundError, BankMismatchError):
        return zones_of(load_bank(active).view)
    return ()
