"""Zones: what is one, what is none and why, and where a point lies."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from patchwatch.contract.errors import InvalidMessageError, RejectedError
from patchwatch.messages.cameras.camera import Camera, readable_zones
from patchwatch.messages.cameras.zones.polygon import area, contains, crossing, visible_share
from patchwatch.messages.cameras.zones.zone import MAX_ZONES, Zone, ZoneKind, Zones, names_at
from patchwatch.messages.frames.score import Region

STRIP = ((0.0, 0.0), (0.3, 0.0), (0.3, 1.0), (0.0, 1.0))
ALL = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))


def zone(points: object = STRIP, kind: str = "ignore", name: str = "road") -> dict[str, Any]:
    return {"name": name, "kind": kind, "points": points}


@pytest.mark.parametrize(
    ("zones", "why"),
    [
        ([zone(STRIP[:2])], "has 2 corners: give 3 to 64"),
        ([zone([(number / 65, number % 2) for number in range(65)])], "has 65 corners"),
        ([zone([(0, 0), (1, 1), (1, 0), (0, 0.9)])], "crosses itself: the edges that begin at corners 1 and 3 meet"),
        ([zone([(0, 0), (0.5, 0), (0.5, 0.5), (0.5, 0.2), (0, 0.5)])], "corners 2 and 3 meet"),
        ([zone([(0, 0), (0.5, 0.5), (1, 1)])], "has no area"),
        ([zone([(0, 0), (0.001, 0), (0.001, 0.001)])], "has no area"),
        ([zone([(0, 0), (0.5, 0), (0.5, 0), (0, 1)])], "corner 2 and the next one are one point"),
        ([zone([(0, 0), (1.1, 0), (1, 1)])], "outside of the picture: give shares"),
        ([zone([(0, 0), (1, -0.1), (1, 1)])], "outside of the picture"),
        ([zone([(0, 0), (math.nan, 0), (1, 1)])], "finite number"),
        ([zone([(0, 0), (math.inf, 0), (1, 1)])], "finite number"),
        ([zone(ALL)], "nothing is left to see"),
        ([zone(STRIP, "privacy"), zone([(0.3, 0), (1, 0), (1, 1), (0.3, 1)], name="rest")], "nothing is left to see"),
        ([zone(STRIP, "watch"), zone(STRIP, "privacy", "window")], "nothing is left to see"),
        ([zone(), zone(name="ROAD")], "two zones are called 'ROAD'"),
        ([zone(name=str(number)) for number in range(MAX_ZONES + 1)], "at most 32"),
        ([zone(name="x" * 41)], "at most 40"),
        ([zone(name=" ")], "one line"),
        ([zone(name="two\nlines")], "one line"),
        ([zone(kind="mask")], "'ignore', 'watch', 'privacy' or 'zone'"),
        ([zone() | {"colour": "red"}], "not permitted"),
    ],
)  # fmt: skip
def test_what_is_no_zone_is_refused_with_the_reason(zones: list[dict[str, Any]], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        Camera.model_validate({"id": "gate", "zones": zones})
    with pytest.raises(ValidationError, match=why):
        Zones.model_validate({"zones": zones})


def test_a_first_corner_that_is_repeated_at_the_end_is_dropped() -> None:
    assert Zone.model_validate(zone([*STRIP, STRIP[0]])).points == STRIP


def test_a_watched_part_may_be_what_is_left_of_an_ignored_picture_but_not_nothing() -> None:
    wide = zone([(0, 0), (0.9, 0), (0.9, 1), (0, 1)])
    Zones.model_validate({"zones": [wide, zone(ALL, "watch", "all")]})
    with pytest.raises(ValidationError, match="nothing is left"):
        Zones.model_validate({"zones": [wide, zone(STRIP, "watch", "strip")]})


def test_names_are_those_of_zones_that_the_centre_of_a_region_lies_in() -> None:
    zones = Zones.model_validate({
        "zones": [zone(kind="zone", name="left"), zone(ALL, "watch", "all"), zone(kind="ignore", name="road")]
    }).zones  # fmt: skip
    size = (1000, 500)
    assert names_at(zones, Region(250, 0, 349, 100), size) == ("left", "all")  # its centre: 299.5 of 1000
    assert names_at(zones, Region(250, 0, 351, 100), size) == ("all",)
    assert names_at(zones, None, size) == ()


def test_a_record_from_before_there_were_zones_has_none() -> None:
    camera = Camera.decode(b'{"version":1,"id":"gate","source":"push:"}')
    assert (camera.zones, camera.zones_fault, camera.privacy) == ((), None, ())
    assert camera == Camera(id="gate")
    assert b'"version":1' in camera.encode()


def test_a_worker_without_privacy_zones_refuses_a_camera_that_has_some() -> None:
    private = Camera.model_validate({"id": "gate", "zones": [zone(kind="privacy")]})
    assert b'"version":2' in private.encode()
    assert Camera.decode(private.encode()) == private
    assert b'"version":1' in Camera.model_validate({"id": "gate", "zones": [zone()]}).encode()


@pytest.mark.parametrize("damage", [(b"0.3", b"7.3"), (b'"privacy"', b'"blur"'), (b'[{"name"', b'[{"nom"')])
def test_zones_that_cannot_be_read_are_a_fault_that_lasts_until_they_are_set_again(damage: tuple[bytes, bytes]) -> None:
    record = Camera.model_validate({"id": "gate", "zones": [zone(kind="privacy")]}).encode().replace(*damage)
    camera = Camera.decode(record)
    assert "set them again" in str(camera.zones_fault)
    again = Camera.decode(camera.model_copy(update={"name": "Back gate"}).encode())
    assert again.zones_fault == camera.zones_fault, "another change does not make it forgotten"
    assert b'"version":2' in again.encode()
    with pytest.raises(RejectedError, match="set them again"):
        readable_zones(record)


def test_a_record_that_is_broken_elsewhere_stays_unreadable() -> None:
    with pytest.raises(InvalidMessageError):
        Camera.decode(b'{"version":1,"id":"NOT AN ID","zones":[]}')
    with pytest.raises(InvalidMessageError):
        Camera.decode(b"[]")
    with pytest.raises(RejectedError, match="privacy zones"):
        readable_zones(b"{")


def test_only_a_change_of_a_privacy_zone_concerns_the_capture() -> None:
    plain = Camera(id="gate")
    ignoring = Camera.model_validate({"id": "gate", "zones": [zone()]})
    private = Camera.model_validate({"id": "gate", "zones": [zone(kind="privacy")]})
    renamed = Camera.model_validate({"id": "gate", "zones": [zone(kind="privacy", name="window")]})
    assert plain.captures_like(ignoring)
    assert ignoring.captures_like(plain)
    assert not private.captures_like(plain)
    assert not plain.captures_like(private)
    assert private.captures_like(renamed)


shares = st.integers(0, 40).map(lambda number: number / 40)
corners = st.lists(st.tuples(shares, shares), min_size=3, max_size=7, unique=True).map(tuple)


@given(corners, st.tuples(shares, shares))
def test_a_point_lies_in_a_polygon_where_opencv_says_so(polygon: Any, point: tuple[float, float]) -> None:
    assume(area(polygon) > 1e-3 and crossing(polygon) is None)
    side = cv2.pointPolygonTest(np.array(polygon, np.float32) * 40, (point[0] * 40, point[1] * 40), True)
    assume(abs(side) > 0.01)  # on the outline either will do
    assert contains(polygon, *point) is (side > 0)


def pixels_in(polygon: Any) -> Any:
    """Which of 100 x 100 pixels have their middle in a polygon: an odd number of its sides lies to their right."""
    y, x = (np.mgrid[:100, :100] + 0.5) / 100
    inside = np.zeros((100, 100), bool)
    for (x1, y1), (x2, y2) in zip(polygon, polygon[1:] + polygon[:1], strict=True):
        if y1 != y2:
            inside ^= ((y1 > y) != (y2 > y)) & (x < x1 + (x2 - x1) * (y - y1) / (y2 - y1))
    return inside


@given(st.lists(corners, max_size=3), st.lists(corners, max_size=2))
def test_the_share_that_is_visible_is_what_counting_pixels_gives(hidden: Any, shown: Any) -> None:
    for polygon in (*hidden, *shown):
        assume(area(polygon) > 1e-3 and crossing(polygon) is None)
    seen = np.full((100, 100), not shown)
    for polygon in shown:
        seen |= pixels_in(polygon)
    for polygon in hidden:
        seen &= ~pixels_in(polygon)
    assert visible_share(tuple(hidden), tuple(shown)) == pytest.approx(np.mean(seen), abs=0.03)


@given(corners)
def test_an_outline_crosses_itself_whichever_corner_it_begins_at(polygon: Any) -> None:
    turned = polygon[1:] + polygon[:1]
    assert (crossing(polygon) is None) is (crossing(turned) is None)
    assert (crossing(polygon) is None) is (crossing(polygon[::-1]) is None)


def test_every_kind_is_described() -> None:
    text = str(Zone.model_json_schema()["properties"]["kind"]["description"])
    assert all(f"`{kind}`" in text for kind in ZoneKind)
