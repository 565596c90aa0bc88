"""A queued frame decoded, with the picture that it is compared with: the one way from the queue to a `Frame`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from models.frames.frame import Frame, PrecedingPicture
from patchwatch.messages.frames.frame import FrameMessage
from workers.media import jpeg_codec


def decode_frame(
    message: FrameMessage, own_ns: int, hide: Callable[[NDArray[np.uint8]], None] = lambda rgb: None
) -> Frame:
    """The frame of this moment of its camera's own time. ``hide`` blackens what is private in a picture, in place.

    Raises `RejectedError` when a picture is corrupt.
    """
    rgb = jpeg_codec.decode(message.jpeg)
    hide(rgb)
    preceding = None
    if message.preceding is not None:
        before = jpeg_codec.decode(message.preceding.jpeg)
        hide(before)
        preceding = PrecedingPicture(before, (own_ns - message.preceding.ahead_ns) / 1e9)
    return Frame(rgb, own_ns / 1e9, message.discontinuity, predicted=message.predicted, preceding=preceding)
