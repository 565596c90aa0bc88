"""Cameras that a request names to choose by: a name that is nobody's is told, or a typing error waits for ever."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from service.problem import FieldProblem, InvalidFieldsError
from service.store import Store

_MOST_TOLD = 5


async def unknown_cameras(store: Store, camera_ids: Collection[str]) -> list[str]:
    """Those of ``camera_ids`` that no camera has now, in their order."""
    if not camera_ids:
        return []
    known = frozenset(await store.cameras.ids())
    return [one for one in dict.fromkeys(camera_ids) if one not in known]


def unknown_camera_error(location: str, unknown: Iterable[str]) -> InvalidFieldsError:
    """``location``: of the field that names them."""
    return InvalidFieldsError(
        [FieldProblem(location=location, message=_message(one)) for one in list(unknown)[:_MOST_TOLD]]
    )


def _message(camera_id: str) -> str:
    return (
        f"there is no camera {camera_id!r}: see `patchwatch cameras list` or GET /api/v1/cameras, "
        f"or add it first with `patchwatch cameras add`"
    )
