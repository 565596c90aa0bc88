"""A region of the analysed picture lies inside the camera's own, wherever it is scaled."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from patchwatch.messages.score import Region

_edge = st.floats(-50, 5000)
_size = st.tuples(st.integers(1, 4096), st.integers(1, 4096))


@given(box=st.tuples(_edge, _edge, _edge, _edge), analysed=_size, source=_size)
def test_no_edge_leaves_the_picture(
    box: tuple[float, float, float, float], analysed: tuple[int, int], source: tuple[int, int]
) -> None:
    region = Region.in_source(box, analysed, source)
    assert region is not None
    assert 0 <= region.x1 <= source[0]
    assert 0 <= region.x2 <= source[0]
    assert 0 <= region.y1 <= source[1]
    assert 0 <= region.y2 <= source[1]


def test_a_box_is_scaled_by_its_own_side() -> None:
    assert Region.in_source((10, 10, 20, 20), (100, 50), (200, 200)) == Region(20, 40, 40, 80)
    assert Region.in_source(None, (100, 50), (200, 200)) is None
