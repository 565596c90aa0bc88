"""What streams want of the detector."""

from __future__ import annotations

import pytest

from models.frames.detection_query import DetectionQuery, union
from patchwatch.contract.errors import ConfigurationError
from tests.support.known_networks import detections

FOUND = detections(
    ("person", 0.9, (0, 0, 10, 20)),
    ("person", 0.3, (0, 0, 10, 20)),
    ("car", 0.6, (0, 0, 40, 20)),
    ("mover", 1.0, (5, 5, 9, 9)),
)


@pytest.mark.parametrize(
    ("wish", "chosen"),
    [
        (DetectionQuery(("person",), 0.5), [0]),
        (DetectionQuery(("person",), 0.2), [0, 1]),
        (DetectionQuery((), 0.5), [0, 2]),
        (DetectionQuery(("car",), 0.5, movers=True), [2, 3]),
        (DetectionQuery((), 0.95, movers=True), [3]),
    ],
)
def test_a_wish_chooses_classes_confidence_and_movers(wish: DetectionQuery, chosen: list[int]) -> None:
    assert wish.match(FOUND).tolist() == chosen


def test_together_is_the_least_that_fulfils_all() -> None:
    assert union([DetectionQuery(("person",), 0.5), DetectionQuery(("car",), 0.3, movers=True)]) == DetectionQuery(
        ("car", "person"), 0.3, True
    )
    assert union([DetectionQuery(("person",), 0.5), DetectionQuery((), 0.2)]) == DetectionQuery((), 0.2)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [({"classes": "person"}, "classes"), ({"confidence": 1.5}, "confidence"), ({"movers": "yes"}, "movers")],
)
def test_a_malformed_option_is_named(options: dict[str, object], complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=f"here: `{complaint}`"):
        DetectionQuery((), 0.5).take_from(options, "here")


def test_options_taken_are_gone_and_the_rest_is_left() -> None:
    options: dict[str, object] = {"confidence": 0.25, "other": 1}
    assert DetectionQuery(("person",), 0.5).take_from(options, "here") == DetectionQuery(("person",), 0.25)
    assert options == {"other": 1}
