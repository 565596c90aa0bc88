"""Corrections of cameras in Redis: read, and changed in a transaction that raises their common revision."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from patchwatch.bus import keys
from patchwatch.bus.stored_records import readable
from patchwatch.bus.streams import MAX_ALERT_CHANGES
from patchwatch.bus.writes import transact, transact_async
from patchwatch.contract.errors import NotFoundError
from patchwatch.messages.alerts.verdict import CORRECTION_FIELD
from patchwatch.messages.cameras.correction import CameraCorrections, CorrectionChange

Change = Callable[[CameraCorrections], CameraCorrections]
_SUBJECT = "the corrections"


def change_corrections(client: Any, camera_id: str, change: Change) -> CameraCorrections:
    """Apply a change to the corrections of a camera; one that changes nothing writes nothing. Returns what is then
    stored. Raises `NotFoundError` without the camera, `ContentionError`, and what ``change`` raises."""

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
    """What is stored of a camera; none where that is nothing, or cannot be read."""
    stored = readable(CameraCorrections.decode, data, f"the corrections of camera {camera_id!r}")
    return stored or CameraCorrections(camera_id=camera_id)


def _check_camera(camera_id: str, *, exists: bool) -> None:
    if not exists:
        raise NotFoundError(f"there is no camera {camera_id!r}: see `patchwatch cameras list`")
