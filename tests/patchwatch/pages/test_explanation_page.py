"""The page that explains one frame."""

from __future__ import annotations

import re

import pytest

from patchwatch.messages.alerts.explanation import Explanation, NearestNormal, RelativeRegion, StreamExplanation
from patchwatch.messages.frames.score import Region
from patchwatch.pages.explanation_page import explanation_page

HOSTILE = "<script>&\"'"
REGION = Region(x1=10, y1=20, x2=100, y2=200)
NEAREST = NearestNormal(
    distance=1.2, source=HOSTILE, time_s=2.25, region=RelativeRegion(x1=0.1, y1=0.2, x2=0.3, y2=0.9), thumbnail="/9j/"
)


@pytest.fixture
def page() -> str:
    silent = StreamExplanation(name="local", weight=1.0, contribution=0.0)
    small = StreamExplanation(name=HOSTILE, weight=0.5, contribution=0.2, rarity=1.0, distance=1.0, region=REGION)
    large = small.model_copy(update={"name": "motion", "contribution": 0.8, "nearest": (NEAREST,)})
    explanation = Explanation(
        camera_id="door", at_ms=12345, width=640, height=360, raw=1.0, score=0.9, profile=HOSTILE, bank_id=HOSTILE,
        streams=(silent, small, large),
    )  # fmt: skip
    return explanation_page(explanation, b"jpeg", 0.5)


def test_hostile_names_are_escaped(page: str) -> None:
    assert "<script" not in page
    assert HOSTILE not in page
    assert page.count("&lt;script&gt;&amp;&#34;&#39;") == 5


def test_the_page_loads_nothing_from_anywhere(page: str) -> None:
    references = re.findall(r'(?:href|src)="([^"]*)', page)
    assert len(references) == 2
    assert all(reference.startswith("data:image/jpeg;base64,") for reference in references)


def test_streams_stand_in_the_order_of_their_share(page: str) -> None:
    assert page.startswith("<!doctype html>")
    assert "door at 12.3 s: score 0.900 (alerts above 0.500)" in page
    assert page.index("motion: 80 %") < page.index(": 20 %") < page.index("<h2>local</h2>")
