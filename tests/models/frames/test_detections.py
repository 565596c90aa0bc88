"""What streams need from the detector."""

from __future__ import annotations

import pytest
from known_networks import detections

from models.frames.detections import DetectionQuery, union

FOUND = detections(
    ("person", 0.9, (0, 0, 10, 20)),
    ("person", 0.3, (0, 0, 10, 20)),
    ("car", 0.6, (0, 0, 40, 20)),
    ("mover", 1.0, (5, 5, 9, 9)),
)


@pytest.mark.parametrize(
    ("query", "indices"),
    [
        (DetectionQuery(("person",), 0.5), [0]),
        (DetectionQuery(("person",), 0.2), [0, 1]),
        (DetectionQuery((), 0.5), [0, 2]),
        (DetectionQuery(("car",), 0.5, movers=True), [2, 3]),
        (DetectionQuery((), 0.95, movers=True), [3]),
    ],
)
def test_a_query_matches_classes_confidence_and_movers(query: DetectionQuery, indices: list[int]) -> None:
    assert query.match(FOUND).tolist() == indices


def test_a_union_is_the_narrowest_query_that_covers_all() -> None:
    assert union([DetectionQuery(("person",), 0.5), DetectionQuery(("car",), 0.3, movers=True)]) == DetectionQuery(
        ("car", "person"), 0.3, True
    )
    assert union([DetectionQuery(("person",), 0.5), DetectionQuery((), 0.2)]) == DetectionQuery((), 0.2)
