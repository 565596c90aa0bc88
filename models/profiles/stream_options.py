"""Options of a stream in the profiles file, one model per kind of stream."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from models.frames.detections import DetectionQuery
from models.profiles.profile import Profile, StreamKind, StreamSpec
from patchwatch.contract.errors import ConfigurationError


class StreamOptions(BaseModel):
    """A stream without options; the base of all others."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    @classmethod
    def from_spec(cls, spec: StreamSpec) -> Self:
        """Raises `ConfigurationError`, which names the stream and the option, for an unknown or malformed one."""
        try:
            return cls.model_validate(spec.options)
        except ValidationError as error:
            raise ConfigurationError(f"in the profiles file, stream {spec.name!r} {_complaint(error)}") from None


class MotionOptions(StreamOptions):
    """``exemplars``: vectors per cell and seed."""

    exemplars: int = Field(100, ge=1)


class PlaceOptions(StreamOptions):
    """``exemplars``: vectors per place and seed; ``frames``: of the footage, that each seed draws them from."""

    exemplars: int = Field(64, ge=1)
    frames: int = Field(100, ge=1)


class DetectionOptions(StreamOptions):
    """``classes``: the detector's names, all when empty; ``confidence``: from which on an object counts;
    ``movers``: whether whatever moves without being detected counts too.
    """

    classes: list[str] = ["person"]
    confidence: float = Field(0.5, gt=0, lt=1)
    movers: bool = False

    @property
    def query(self) -> DetectionQuery:
        """What the stream needs from the detector."""
        return DetectionQuery(tuple(self.classes), float(self.confidence), self.movers)


class VelocityOptions(DetectionOptions):
    """``exemplars``: vectors per seed; ``draw``: those that cover all others best, or any. ``neighbours``: a distance
    is the mean to so many nearest ones. ``track_s``: a mover's vectors are averaged over this much of its track.
    Below this confidence, what moves counts as an undetected mover.
    """

    classes: list[str] = ["person", "bicycle", "car", "motorcycle", "bus", "train", "truck", "skateboard"]
    confidence: float = Field(0.25, gt=0, lt=1)
    movers: bool = True
    exemplars: int = Field(300, ge=1)
    draw: Literal["k-center", "random"] = "k-center"
    neighbours: int = Field(1, ge=1)
    track_s: float = Field(0.0, ge=0, le=1)


class CategoryOptions(StreamOptions):
    """`DetectionOptions` without ``movers``: what is not detected has no class."""

    classes: list[str] = []
    confidence: float = Field(0.2, gt=0, lt=1)

    @property
    def query(self) -> DetectionQuery:
        """What the stream needs from the detector."""
        return DetectionQuery(tuple(self.classes), float(self.confidence))


_WITH_DETECTOR: dict[StreamKind, type[DetectionOptions | CategoryOptions]] = {
    StreamKind.LOCAL: DetectionOptions,
    StreamKind.VELOCITY: VelocityOptions,
    StreamKind.CATEGORY: CategoryOptions,
}


def detection_queries(profile: Profile, *kinds: StreamKind) -> list[DetectionQuery]:
    """What the profile's streams need from the detector; of these kinds only, when some are named.

    Raises `ConfigurationError`.
    """
    return [
        _WITH_DETECTOR[spec.kind].from_spec(spec).query
        for spec in profile.streams
        if spec.kind in _WITH_DETECTOR and (not kinds or spec.kind in kinds)
    ]


def _complaint(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    option = _name(first["loc"])
    if first["type"] == "extra_forbidden":
        return f"has the unknown option {option!r}: remove it"
    return f"has a wrong `{option}`, {first['input']!r}: {first['msg'].lower()}"


def _name(location: Sequence[int | str]) -> str:
    return str(location[0]) if location else "options"
