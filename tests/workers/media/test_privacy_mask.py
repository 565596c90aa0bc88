"""A privacy zone is black in every picture that leaves the decoder, down to the JPEG blocks around it."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from workers.media import jpeg_codec
from workers.media.container import VideoOptions
from workers.media.frame_folder import FrameFolder
from workers.media.privacy_mask import PrivacyMask
from workers.media.video import Video

WIDTH, HEIGHT = 320, 192
CORNER = ((0.75, 0.5), (1.0, 0.5), (1.0, 1.0), (0.75, 1.0))
SLANTED = ((0.3, 0.1), (0.62, 0.33), (0.41, 0.87))


def bright(width: int = WIDTH, height: int = HEIGHT) -> NDArray[np.uint8]:
    """Grey, with a bright random pattern where `CORNER` is."""
    rgb = np.full((height, width, 3), 90, np.uint8)
    top, left = height // 2, width * 3 // 4
    rgb[top:, left:] = np.random.default_rng(3).integers(120, 256, (height - top, width - left, 3))
    return rgb


def recording(path: Path, *sizes: tuple[int, int], rotation: int = 0) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10, options={"preset": "ultrafast", "crf": "12"})
        stream.width, stream.height, stream.pix_fmt = *sizes[0], "yuv420p"
        for number in range(20):
            frame = av.VideoFrame.from_ndarray(bright(*sizes[0]), format="rgb24")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@pytest.mark.parametrize("max_side_px", [640, 160, 97])
def test_nothing_of_it_is_left_in_sampled_pictures_however_they_are_scaled(tmp_path: Path, max_side_px: int) -> None:
    path = recording(tmp_path / "a.mp4", (WIDTH, HEIGHT))
    with Video.open(path, options=VideoOptions(max_side_px=max_side_px, hidden=(CORNER,))) as video:
        frames = list(video.frames())
    assert len(frames) == 10
    for frame in frames:
        height, width = frame.rgb.shape[:2]
        assert frame.rgb[height // 2 :, width * 3 // 4 :].max() == 0
        decoded = jpeg_codec.decode(jpeg_codec.encode(frame.rgb, 80))
        around = decoded[max(0, height // 2 - 16) :, max(0, width * 3 // 4 - 16) :]
        assert around.max() < 120, "brighter than the wall: the pattern shows in a block beside it"
        assert (frame.source_width, frame.source_height) == (WIDTH, HEIGHT)


def test_it_stays_in_place_when_the_resolution_changes() -> None:
    mask = PrivacyMask((SLANTED,))
    shares = []
    for width, height in ((640, 360), (320, 180), (640, 360), (160, 240)):
        rgb = np.full((height, width, 3), 255, np.uint8)
        mask.hide(rgb)
        ys, xs = np.nonzero(rgb[..., 0] == 0)
        shares.append((xs.mean() / width, ys.mean() / height))
    assert np.allclose(shares, shares[0], atol=0.01)


def test_what_a_zone_touches_is_black_and_little_else() -> None:
    rgb = np.full((360, 640, 3), 255, np.uint8)
    PrivacyMask((SLANTED,)).hide(rgb)
    ys, xs = np.mgrid[:360, :640] + 0.5
    a, b, c = (np.array(point) * [640, 360] for point in SLANTED)

    def side(p: NDArray[np.float64], q: NDArray[np.float64]) -> NDArray[np.float64]:
        """Distance of each pixel's centre from an edge, negative outside."""
        across = (q[0] - p[0]) * (ys - p[1]) - (q[1] - p[1]) * (xs - p[0])
        return np.asarray(across / np.hypot(*(q - p)))

    depth = np.minimum.reduce([side(a, b), side(b, c), side(c, a)])
    assert (rgb[depth > -0.7] == 0).all(), "every pixel that it touches"
    assert (rgb[depth < -8] == 255).all()


def test_pictures_of_a_folder_are_masked_too(tmp_path: Path) -> None:
    import cv2

    for number in range(3):
        cv2.imwrite(str(tmp_path / f"{number}.png"), bright())
    for frame in FrameFolder(tmp_path, options=VideoOptions(analysis_fps=25, hidden=(CORNER,))).frames():
        assert frame.rgb[HEIGHT // 2 :, WIDTH * 3 // 4 :].max() == 0
        assert frame.rgb[: HEIGHT // 2 - 4].min() > 60


def test_without_zones_a_picture_stays_as_it_is() -> None:
    rgb = bright()
    PrivacyMask(()).hide(rgb)
    assert (rgb == bright()).all()


def test_a_zone_follows_a_picture_that_is_turned_upright(tmp_path: Path) -> None:
    """Zones are drawn on what is shown."""
    path = recording(tmp_path / "flat.mp4", (WIDTH, HEIGHT))
    with Video.open(path, options=VideoOptions(hidden=(CORNER,))) as video:
        picture = next(video._pictures(lambda: None))
        assert picture.rotation == 0

        class Turned:
            width, height, rotation = picture.width, picture.height, 90
            reformat = picture.reformat

        frame = video._sampled(Turned, 0.0, False, False)  # type: ignore[arg-type]
    assert (frame.source_width, frame.source_height) == (HEIGHT, WIDTH)
    assert frame.rgb.shape[:2] == (WIDTH, HEIGHT)
    assert frame.rgb[WIDTH // 2 :, HEIGHT * 3 // 4 :].max() == 0
    assert frame.rgb[: WIDTH // 2 - 4, : HEIGHT // 2].min() > 60
