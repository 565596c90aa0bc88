"""Options of streams in the profiles file."""

from __future__ import annotations

from typing import Any

import pytest

from models.frames.detections import DetectionQuery
from models.profiles.profile import StreamKind, StreamSpec, load_profile
from models.profiles.stream_options import (
    CategoryOptions,
    DetectionOptions,
    MotionOptions,
    StreamOptions,
    VelocityOptions,
    detection_queries,
)
from patchwatch.contract.errors import ConfigurationError


def spec(**options: Any) -> StreamSpec:
    return StreamSpec("mine", StreamKind.LOCAL, 1.0, options=options)


@pytest.mark.parametrize(
    ("kind", "options", "complaint"),
    [
        (DetectionOptions, {"classes": "person"}, "has a wrong `classes`, 'person'"),
        (DetectionOptions, {"classes": [1]}, "has a wrong `classes`, 1"),
        (DetectionOptions, {"confidence": 1.5}, "has a wrong `confidence`, 1.5"),
        (DetectionOptions, {"confidence": True}, "has a wrong `confidence`, True"),
        (DetectionOptions, {"movers": "yes"}, "has a wrong `movers`, 'yes'"),
        (VelocityOptions, {"exemplars": True}, "has a wrong `exemplars`, True"),
        (MotionOptions, {"exemplars": 0}, "has a wrong `exemplars`, 0"),
        (MotionOptions, {"classes": ["person"]}, "has the unknown option 'classes': remove it"),
        (CategoryOptions, {"movers": True}, "has the unknown option 'movers': remove it"),
        (StreamOptions, {"ratios": 1}, "has the unknown option 'ratios': remove it"),
    ],
)
def test_a_malformed_or_unknown_option_is_named(
    kind: type[StreamOptions], options: dict[str, object], complaint: str
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        kind.from_spec(spec(**options))
    assert str(refused.value).startswith(f"in the profiles file, stream 'mine' {complaint}")


def test_what_is_not_given_is_the_kind_s_default() -> None:
    assert DetectionOptions.from_spec(spec()).query == DetectionQuery(("person",), 0.5)
    assert DetectionOptions.from_spec(spec(confidence=0.25)).query == DetectionQuery(("person",), 0.25)
    assert CategoryOptions.from_spec(spec()).query == DetectionQuery((), 0.2)
    assert VelocityOptions.from_spec(spec()).query.movers


def test_a_profile_asks_the_detector_for_each_of_its_streams_that_needs_it() -> None:
    assert detection_queries(load_profile("motion")) == []
    assert len(detection_queries(load_profile("objects"))) == 2
    assert detection_queries(load_profile("reference"), StreamKind.LOCAL) == [DetectionQuery(("person",), 0.5)]
