"""What the streams of a profile want of the detector."""

from __future__ import annotations

from models.frames.detection_query import DetectionQuery
from models.profiles.profile import Profile, StreamKind
from models.streams import category_stream, local_stream, velocity_stream

_WISH_OF = {
    StreamKind.LOCAL: local_stream.wish_of,
    StreamKind.VELOCITY: velocity_stream.wish_of,
    StreamKind.CATEGORY: category_stream.wish_of,
}


def of(profile: Profile, *kinds: StreamKind) -> list[DetectionQuery]:
    """Wishes of its streams, of these kinds only when some are named. Raises `ConfigurationError`."""
    return [
        _WISH_OF[spec.kind](spec)
        for spec in profile.streams
        if spec.kind in _WISH_OF and (not kinds or spec.kind in kinds)
    ]
