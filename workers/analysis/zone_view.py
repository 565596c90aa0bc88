"""What a camera's zones mean for its analysis."""

from __future__ import annotations

from collections.abc import Sequence

from models.frames.view import View
from patchwatch.messages.cameras.zones.zone import Zone, ZoneKind, polygons


def view_of(zones: Sequence[Zone]) -> View:
    """What counts in the picture of a camera with these zones."""
    return View(
        ignored=polygons(zones, ZoneKind.IGNORE),
        watched=polygons(zones, ZoneKind.WATCH),
        hidden=polygons(zones, ZoneKind.PRIVACY),
    )


def zones_of(view: View) -> tuple[Zone, ...]:
    """Zones that mean this view; their names are lost."""
    kinds = ((ZoneKind.IGNORE, view.ignored), (ZoneKind.WATCH, view.watched), (ZoneKind.PRIVACY, view.hidden))
    return tuple(
        Zone(name=f"{kind} {number}", kind=kind, points=points)
        for kind, outlines in kinds
        for number, points in enumerate(outlines, start=1)
    )
