"""Zones: named polygons in a camera's picture. They say what counts, what nobody may see, how a place is called."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from patchwatch.messages.cameras.zones.polygon import (
    LEAST_AREA,
    Point,
    Polygon,
    area,
    contains,
    crossing,
    visible_share,
)
from patchwatch.messages.frames.score import Region

MAX_ZONES = 32  # of one camera
LEAST_CORNERS, MOST_CORNERS = 3, 64
LONGEST_NAME = 40
_LEAST_VISIBLE = 0.001  # of the picture


def _in_picture(share: float) -> float:
    if not 0 <= share <= 1:
        raise ValueError("lies outside of the picture: give shares of its width and height, from 0 to 1")
    return share


Share = Annotated[float, AfterValidator(_in_picture), WithJsonSchema({"type": "number", "minimum": 0, "maximum": 1})]


class ZoneKind(StrEnum):
    """What a zone is for."""

    IGNORE = "ignore"  # nothing in it counts: a road, a tree
    WATCH = "watch"  # only what is in such a zone counts
    PRIVACY = "privacy"  # blacked out before a frame is stored or sent anywhere
    ZONE = "zone"  # a name, which alerts in it carry


class Zone(BaseModel):
    """A polygon of 3 to 64 corners in shares (0..1) of the width and height of the camera's own picture, upright as it
    is shown. So it stays where it is when the camera's resolution changes."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str = Field(min_length=1, max_length=LONGEST_NAME, examples=["porch"])
    kind: ZoneKind = Field(
        description="`ignore`: nothing in it counts. `watch`: with at least one, only what is in such a zone counts. "
        "`privacy`: blacked out before a frame is stored or sent anywhere. `zone`: only a name. Scores and alerts "
        "carry the names of the zones of the kinds `zone` and `watch` that the centre of their region lies in."
    )
    points: tuple[tuple[Share, Share], ...] = Field(
        json_schema_extra={"minItems": LEAST_CORNERS, "maxItems": MOST_CORNERS},
        description="Corners in order around the zone, as shares of the picture's width and height.",
        examples=[[[0, 0], [0.3, 0], [0.3, 1], [0, 1]]],
    )

    @field_validator("name")
    @classmethod
    def _one_line(cls, name: str) -> str:
        if not name.strip().isprintable() or not name.strip():
            raise ValueError("is empty or holds control characters: give the zone a name of one line")
        return name.strip()

    @field_validator("points", mode="before")
    @classmethod
    def _enough_corners(cls, points: object) -> object:
        if isinstance(points, (list, tuple)) and not LEAST_CORNERS <= len(points) <= MOST_CORNERS:
            raise ValueError(f"has {len(points)} corners: give {LEAST_CORNERS} to {MOST_CORNERS}")
        return points

    @field_validator("points")
    @classmethod
    def _outline(cls, points: tuple[Point, ...]) -> Polygon:
        """Without the first corner where it is repeated at the end, as GeoJSON does."""
        polygon = points[:-1] if len(points) > LEAST_CORNERS and points[0] == points[-1] else points
        for number, point in enumerate(polygon):
            if point == polygon[number - 1]:
                raise ValueError(f"corner {number or len(polygon)} and the next one are one point: leave one out")
        if area(polygon) < LEAST_AREA:
            raise ValueError("the zone has no area: its corners lie on a line or in one pixel; move them apart")
        if (edges := crossing(polygon)) is not None:
            raise ValueError(
                f"the outline crosses itself: the edges that begin at corners {edges[0]} and {edges[1]} meet; "
                "list the corners in order around the zone"
            )
        return polygon

    def contains(self, x: float, y: float) -> bool:
        """Whether it holds a point, in shares of the picture."""
        return contains(self.points, x, y)


class Zones(BaseModel):
    """All zones of a camera, which are checked together."""

    model_config = ConfigDict(frozen=True)

    zones: tuple[Zone, ...] = Field((), max_length=MAX_ZONES)

    @model_validator(mode="after")
    def _fit_together(self) -> Zones:
        check_together(self.zones)
        return self


def check_together(zones: Sequence[Zone]) -> None:
    """Raises ValueError for two zones of one name, and for zones that leave nothing to see."""
    seen: set[str] = set()
    for zone in zones:
        if zone.name.casefold() in seen:
            raise ValueError(f"two zones are called {zone.name!r}: give each a name of its own")
        seen.add(zone.name.casefold())
    out = polygons(zones, ZoneKind.IGNORE, ZoneKind.PRIVACY)
    watched = polygons(zones, ZoneKind.WATCH)
    if (out or watched) and visible_share(out, watched) < _LEAST_VISIBLE:
        raise ValueError(
            "nothing is left to see: the zones of the kinds ignore and privacy cover all that counts; make them "
            "smaller, or switch the camera off"
        )


def polygons(zones: Iterable[Zone], *kinds: ZoneKind) -> tuple[Polygon, ...]:
    """The outlines of the zones of these kinds."""
    return tuple(zone.points for zone in zones if zone.kind in kinds)


def names_at(zones: Iterable[Zone], region: Region | None, size: tuple[int, int]) -> tuple[str, ...]:
    """Names of the zones of the kinds `zone` and `watch` that the centre of a region lies in.

    ``size``: width and height of the camera's own picture, in whose pixels the region is.
    """
    if region is None:
        return ()
    x, y = (region.x1 + region.x2) / 2 / size[0], (region.y1 + region.y2) / 2 / size[1]
    named = (zone for zone in zones if zone.kind in (ZoneKind.ZONE, ZoneKind.WATCH))
    return tuple(zone.name for zone in named if zone.contains(x, y))
