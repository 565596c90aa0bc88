"""Cameras that a request names in a filter. An unknown name is reported: it may be a typing error."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from service.problems.errors import FieldProblem, InvalidFieldsError
from service.store import Store

_MAX_LISTED = 5


async def unknown_cameras(store: Store, camera_ids: Collection[str]) -> list[str]:
    """Those of ``camera_ids`` that do not exist now, in their order."""
    if not camera_ids:
        return []
    known = frozenset(await store.cameras.ids())
    return [camera_id for camera_id in dict.fromkeys(camera_ids) if camera_id not in known]


def unknown_camera_error(location: str, unknown: Sequence[str]) -> InvalidFieldsError:
    """``location``: the field that names the cameras."""
    return InvalidFieldsError(
        [FieldProblem(location=location, message=_message(camera_id)) for camera_id in unknown[:_MAX_LISTED]]
    )


def _message(camera_id: str) -> str:
    return (
        f"there is no camera {camera_id!r}: see `patchwatch cameras list` or GET /api/v1/cameras, "
        f"or add it first with `patchwatch cameras add`"
    )
