"""Corrections of cameras in Redis: read, and changed in a transaction that raises their common revision."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from patchwatch.bus import keys
from patchwatch.bus.stored_records import said
from patchwatch.bus.streams import MAX_ALERT_CHANGES
from patchwatch.bus.writes import transact, transact_async
from patchwatch.contract.errors import ConflictError, InvalidMessageError, NotFoundError
from patchwatch.messages.alerts.verdict import CORRECTION_FIELD
from patchwatch.messages.cameras.correction import CameraCorrections, CorrectionChange

Change = Callable[[CameraCorrections], CameraCorrections]
_SUBJECT = "the corrections"


def change_corrections(client: Any, camera_id: str, change: Change) -> CameraCorrections:
    """Apply a change to the corrections of a camera; one that changes nothing writes nothing. Returns what is then
    stored. Raises `NotFoundError` without the camera, `UnreadableRecordError` for corrections that cannot be read,
    `ContentionError`, and what ``change`` raises."""

    def attempt(pipe: Any) -> CameraCorrections:
        _check_camera(camera_id, exists=pipe.hexists(keys.CAMERAS, camera_id))
        before = decoded(camera_id, pipe.hget(keys.CORRECTIONS, camera_id))
        after = change(before)
        pipe.multi()
        queue_corrections(pipe, before, after)
        return after

    return transact(client, attempt, keys.CORRECTIONS, keys.CAMERAS, subject=_SUBJECT)


async def change_corrections_async(client: Any, camera_id: str, change: Change) -> CameraCorrections:
    """As `change_corrections`, with an asyncio client."""

    async def attempt(pipe: Any) -> CameraCorrections:
        _check_camera(camera_id, exists=await pipe.hexists(keys.CAMERAS, camera_id))
        before = decoded(camera_id, await pipe.hget(keys.CORRECTIONS, camera_id))
        after = change(before)
        pipe.multi()
        queue_corrections(pipe, before, after)
        return after

    return await transact_async(client, attempt, keys.CORRECTIONS, keys.CAMERAS, subject=_SUBJECT)


def queue_corrections(pipe: Any, before: CameraCorrections, after: CameraCorrections) -> None:
    """Queue the change in a transaction that watches `keys.CORRECTIONS`. Whoever follows the alerts is told of it."""
    if after == before:
        return
    pipe.hset(keys.CORRECTIONS, after.camera_id, after.encode())
    pipe.incr(keys.CORRECTIONS_REVISION)
    for correction in after.corrections:
        if correction not in before.corrections:
            change = CorrectionChange(camera_id=after.camera_id, correction=correction)
            pipe.xadd(keys.ALERTS, {CORRECTION_FIELD: change.encode()}, maxlen=MAX_ALERT_CHANGES, approximate=True)


def decoded(camera_id: str, data: bytes | None) -> CameraCorrections:
    """What is stored of a camera; none where that is nothing. Raises `UnreadableRecordError`."""
    what = f"what operators said of the normal of camera {camera_id!r}"
    return said(CameraCorrections.decode, data, what, remedy_of(camera_id)) or CameraCorrections(camera_id=camera_id)


def remedy_of(camera_id: str) -> str:
    """What to do about corrections that cannot be read."""
    return (
        "run the version of Patchwatch that wrote it, restore Redis from a backup, or give it up and begin anew with "
        f"`patchwatch cameras discard-corrections {camera_id}`"
    )


async def discard_unreadable(client: Any, camera_id: str) -> None:
    """Delete the corrections of a camera that cannot be read. Raises `NotFoundError` without the camera, and
    `ConflictError` where there are none, or they can be read: those are undone one by one."""

    async def attempt(pipe: Any) -> None:
        _check_camera(camera_id, exists=await pipe.hexists(keys.CAMERAS, camera_id))
        if not _is_unreadable(await pipe.hget(keys.CORRECTIONS, camera_id)):
            raise ConflictError(
                f"the corrections of camera {camera_id!r} can be read, so nothing is discarded: undo them one by one "
                f"(`patchwatch cameras corrections {camera_id}`)"
            )
        pipe.multi()
        pipe.hdel(keys.CORRECTIONS, camera_id)
        pipe.incr(keys.CORRECTIONS_REVISION)

    await transact_async(client, attempt, keys.CORRECTIONS, keys.CAMERAS, subject=_SUBJECT)


def _is_unreadable(data: bytes | None) -> bool:
    if data is None:
        return False
    try:
        CameraCorrections.decode(data)
    except InvalidMessageError:
        return True
    return False


def _check_camera(camera_id: str, *, exists: bool) -> None:
    if not exists:
        raise NotFoundError(f"there is no camera {camera_id!r}: see `patchwatch cameras list`")
