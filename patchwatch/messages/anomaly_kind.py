"""What is unusual about an anomaly."""

from __future__ import annotations

from enum import StrEnum


class AnomalyKind(StrEnum):
    """Which of a profile's questions the anomaly answers."""

    BEHAVIOUR = "behaviour"  # how something moves
    PLACE = "place"  # what a place of the picture looks like
    THING = "thing"  # a class of object that is rarely or never there
