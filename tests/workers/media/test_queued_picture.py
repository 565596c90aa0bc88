"""A queued frame becomes a `Frame` with both of its pictures, and nothing that is private in either."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from patchwatch.contract.errors import RejectedError
from patchwatch.messages.frames.frame import FrameFlag, FrameMessage, PrecedingPicture
from workers.media import jpeg_codec
from workers.media.privacy_mask import PrivacyMask
from workers.media.queued_picture import decode_frame

GREY, WHITE = (np.full((48, 64, 3), level, np.uint8) for level in (128, 255))
MESSAGE = FrameMessage(
    7, 1, 1, 64, 48, 64, 48, FrameFlag.LIVE, jpeg_codec.encode(WHITE, 85),
    preceding=PrecedingPicture(200_000_000, jpeg_codec.encode(GREY, 85)),
)  # fmt: skip


def test_the_preceding_picture_keeps_its_distance_on_the_camera_s_own_time() -> None:
    frame = decode_frame(MESSAGE, 10_000_000_000)
    assert frame.preceding is not None
    assert (frame.at_s, frame.preceding.at_s) == (10.0, 9.8)
    assert (frame.rgb.mean(), frame.preceding.rgb.mean()) == (255.0, 128.0)
    assert decode_frame(replace(MESSAGE, preceding=None), 10_000_000_000).preceding is None


def test_what_is_private_is_black_in_both_pictures() -> None:
    whole = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
    frame = decode_frame(MESSAGE, 10**10, PrivacyMask([whole]).hide)
    assert frame.preceding is not None
    assert not frame.rgb.any()
    assert not frame.preceding.rgb.any()


@pytest.mark.parametrize("jpeg", [b"no JPEG", b"\xff\xd8\xff\xd9"])
def test_a_corrupt_picture_of_either_is_refused(jpeg: bytes) -> None:
    for message in (replace(MESSAGE, jpeg=jpeg), replace(MESSAGE, preceding=PrecedingPicture(1, jpeg))):
        with pytest.raises(RejectedError):
            decode_frame(message, 10**10)
