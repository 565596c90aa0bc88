"""A region of the analysed picture lies inside the camera's own, wherever it is scaled."""

from __future__ import annotations

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from patchwatch.messages.alerts.explanation import RelativeRegion
from patchwatch.messages.frames.score import Region

_edge = st.floats(-50, 5000)
_size = st.tuples(st.integers(1, 4096), st.integers(1, 4096))


@given(box=st.tuples(_edge, _edge, _edge, _edge), analysed=_size, source=_size)
def test_no_edge_leaves_the_picture(
    box: tuple[float, float, float, float], analysed: tuple[int, int], source: tuple[int, int]
) -> None:
    region = Region.scaled(box, analysed, source)
    assert 0 <= region.x1 <= source[0]
    assert 0 <= region.x2 <= source[0]
    assert 0 <= region.y1 <= source[1]
    assert 0 <= region.y2 <= source[1]


@given(x=st.floats(0, 1), y=st.floats(0, 1), analysed=_size, source=_size)
def test_a_point_stays_where_it_is_in_the_scene_at_any_scale(
    x: float, y: float, analysed: tuple[int, int], source: tuple[int, int]
) -> None:
    """To half a pixel of the camera's own picture, however odd the ratio: no side is scaled by the other's ratio."""
    box = (x * analysed[0], y * analysed[1], analysed[0], analysed[1])
    region = Region.scaled(box, analysed, source)
    assert abs(region.x1 - x * source[0]) <= 0.5 + 1e-6
    assert abs(region.y1 - y * source[1]) <= 0.5 + 1e-6
    assert (region.x2, region.y2) == source


@pytest.mark.parametrize("source", [(1002, 562), (1280, 720), (1919, 1079), (320, 241)])
def test_what_a_rendered_object_covers_is_what_its_region_covers(source: tuple[int, int]) -> None:
    """Through the picture itself: the analysed one is scaled as the ingest worker scales it."""
    width, height = source
    left, top, right, bottom = width // 3, height // 4, width // 2, height // 2
    rgb = np.zeros((height, width, 3), np.uint8)
    rgb[top:bottom, left:right] = 255
    factor = min(1.0, 640 / max(source))
    analysed = (round(width * factor), round(height * factor))
    small = av.VideoFrame.from_ndarray(rgb).reformat(*analysed, format="rgb24", interpolation="AREA").to_ndarray()
    rows, columns = np.nonzero(small[..., 1] > 127)
    box = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    region = Region.scaled([float(edge) for edge in box], analysed, source)
    pixel = 1 + 1 / factor  # the analysed picture knows no more
    for result, true in zip((region.x1, region.y1, region.x2, region.y2), (left, top, right, bottom), strict=True):
        assert abs(result - true) <= pixel


def test_a_box_is_scaled_by_its_own_side() -> None:
    assert Region.scaled((10, 10, 20, 20), (100, 50), (200, 200)) == Region(20, 40, 40, 80)


STORED = '{"version":1,"x1":1,"y1":2,"x2":3,"y2":4}'  # as it was written while a region of an alert had a version


def test_a_region_has_one_json_form_and_the_one_before_is_read() -> None:
    region = TypeAdapter(Region)
    assert region.validate_json(STORED) == Region(1, 2, 3, 4)
    assert region.dump_json(Region(1, 2, 3, 4)) == b'{"x1":1,"y1":2,"x2":3,"y2":4}'
    place = TypeAdapter(RelativeRegion)
    stored = '{"version":1,"x1":0.1,"y1":0.2,"x2":0.3,"y2":0.4}'
    assert place.dump_json(place.validate_json(stored)) == b'{"x1":0.1,"y1":0.2,"x2":0.3,"y2":0.4}'
