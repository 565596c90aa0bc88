"""What lies in a privacy zone is nowhere in a stored clip or picture, and not in the spool once they are stored."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import av
import cv2
import numpy as np
from evidence_site import HEIGHT, WIDTH, EvidenceSite, picture
from numpy.typing import NDArray

from patchwatch.bus import keys
from patchwatch.messages.alerts.explanation import Explanation, NearestNormal, RelativeRegion, StreamExplanation
from workers.media import jpeg_codec

LEFT, TOP = 128, 56
ZONE = {"name": "window", "kind": "privacy", "points": ((0.8, 56 / 96), (1.0, 56 / 96), (1.0, 1.0), (0.8, 1.0))}
SECRET = np.kron(np.random.default_rng(7).integers(0, 2, (10, 8)), np.ones((4, 4))).astype(np.uint8) * 255
ALIKE = 0.6  # correlation from which on a picture shows the secret


def secret_picture(number: int) -> NDArray[np.uint8]:
    rgb = picture(number)
    rgb[TOP:, LEFT:] = SECRET[..., None]
    return rgb


def likeness(rgb: NDArray[np.uint8]) -> float:
    grey = cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2GRAY)
    return float(np.nan_to_num(cv2.matchTemplate(grey, SECRET, cv2.TM_CCOEFF_NORMED), posinf=0.0).max())


def pictures_of(name: str, data: bytes) -> list[NDArray[np.uint8]]:
    if name.endswith(".mp4"):
        with av.open(io.BytesIO(data), "r") as container:
            return [np.asarray(frame.to_ndarray(format="rgb24"), np.uint8) for frame in container.decode(video=0)]
    return [jpeg_codec.decode(data)]


def _explain(site: EvidenceSite, alert_id: str, jpeg: bytes) -> None:
    box = RelativeRegion(x1=0.1, y1=0.2, x2=0.3, y2=0.4)
    nearest = NearestNormal(
        distance=0.2, source="gate live", time_s=3.0, region=box, thumbnail=base64.b64encode(jpeg).decode()
    )
    stream = StreamExplanation(name="motion", weight=1.0, contribution=1.0, nearest=(nearest,))
    explanation = Explanation(
        camera_id="gate", at_ms=1, width=320, height=192, raw=1.0, score=0.9, profile="motion", bank_id="b1",
        streams=(stream,),
    )  # fmt: skip
    site.client.set(keys.alert_explanation(alert_id), explanation.encode())


def _recorded(site: EvidenceSite) -> list[tuple[str, bytes]]:
    """The whole alert, in pictures from before the zone was drawn; every picture and clip that is stored of it."""
    site.picture = secret_picture
    site.film(8)
    alert = site.alert()
    jpeg = jpeg_codec.encode(secret_picture(1), 85)
    site.client.set(keys.alert_picture(alert.id), jpeg)
    _explain(site, alert.id, jpeg)
    site.film(3)
    site.close(alert)
    site.film(6)
    site.finish()
    files = [(path, path.read_bytes()) for path in Path(site.storage.place).rglob("*") if path.is_file()]
    return [(path.name, data) for path, data in files if path.suffix in (".mp4", ".jpg")]


def test_the_pattern_is_plain_to_see_without_a_zone(site: EvidenceSite) -> None:
    stored = _recorded(site)
    assert sorted(name for name, _ in stored) == ["clip.mp4", "normal.jpg", "peak.jpg"]
    assert all(max(map(likeness, pictures_of(name, data))) > 0.8 for name, data in stored)


def test_the_pattern_under_a_privacy_zone_is_in_no_stored_frame(site: EvidenceSite) -> None:
    site.camera(zones=[ZONE])
    stored = _recorded(site)
    assert sorted(name for name, _ in stored) == ["clip.mp4", "normal.jpg", "peak.jpg"]
    for name, data in stored:
        for rgb in pictures_of(name, data):
            assert rgb.shape == (HEIGHT, WIDTH, 3)
            assert likeness(rgb) < ALIKE, name
            assert rgb[TOP + 4 :, LEFT + 4 :].max() < 32, name
    assert not [path for path in site.spool.path.rglob("*") if path.is_file() and path.name != ".lock"]


def test_a_zone_that_is_drawn_while_it_is_recorded_hides_what_was_filmed_before(site: EvidenceSite) -> None:
    site.picture = secret_picture
    site.film(8)
    alert = site.alert()
    site.film(3)
    site.camera(zones=[ZONE])
    site.close(alert)
    site.film(6)
    site.finish()
    assert max(map(likeness, pictures_of("clip.mp4", site.part(alert, "clip.mp4")))) < ALIKE


def test_no_clip_is_made_while_nobody_can_say_what_is_private(site: EvidenceSite) -> None:
    site.film(8)
    site.client.hset(keys.CAMERAS, "gate", b'{"id": "gate", "zones": "nonsense"}')
    alert = site.alert()
    site.recorder.poll()
    assert "zones" in site.record(alert).reason
    assert site.spool.folders() == []
