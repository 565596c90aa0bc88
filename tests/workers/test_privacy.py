"""What lies in a privacy zone is found nowhere: not in Redis, not in a bank, and in no picture that is served."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import cv2
import httpx
import numpy as np
import pytest
from footage import FPS, LOOP_S, _frame, _normal, _rush
from ingest_rig import free_port
from numpy.typing import NDArray
from waiting import wait_until

from models.banks.bank_file import load_bank
from patchwatch.bus.connection import connect
from patchwatch.contract.settings import Settings
from patchwatch.local_redis.kept_server import running_url
from workers.analysis.recordings import RecordingReader

WITHIN_S = 120.0
LEFT, TOP = 128, 56  # of the 160 x 96 picture: down to its lower right corner
CORNERS = ((0.8, 56 / 96), (1.0, 56 / 96), (1.0, 1.0), (0.8, 1.0))
ZONE = {"name": "window", "kind": "privacy", "points": CORNERS}
SECRET = np.kron(np.random.default_rng(7).integers(0, 2, (10, 8)), np.ones((4, 4))).astype(np.uint8) * 255
ALIKE = 0.6  # correlation from which on a picture shows the secret
RUSHES = (10.0, 16.0)


def write_secret_recording(path: Path, *, rushes: bool) -> Path:
    """The moving scene with a bright random pattern in its corner, three loops of it."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"preset": "ultrafast", "crf": "18", "g": str(FPS)})
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        for number in range(3 * FPS * LOOP_S):
            at_s = number / FPS
            rgb = (_rush if rushes and RUSHES[0] <= at_s < RUSHES[1] else _normal)(at_s).copy()
            rgb[TOP:, LEFT:] = SECRET[..., None]
            container.mux(stream.encode(_frame(rgb, (5, number))))
        container.mux(stream.encode())
    return path


def likeness(rgb: NDArray[np.uint8]) -> float:
    """How much of the secret a picture shows anywhere: the highest correlation with it, at the picture's size."""
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    scale = grey.shape[1] / 160
    secret = cv2.resize(SECRET, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return float(np.nan_to_num(cv2.matchTemplate(grey, secret, cv2.TM_CCOEFF_NORMED), posinf=0.0).max())


def brightest(rgb: NDArray[np.uint8]) -> int:
    """Of what is within the zone, to its very edge."""
    height, width = rgb.shape[:2]
    return int(rgb[round(TOP / 96 * height) :, round(LEFT / 160 * width) :].max())


def pictures_in(data: bytes) -> list[NDArray[np.uint8]]:
    """Every JPEG in some bytes, also those that stand in base64."""
    found = [data[match.start() :] for match in re.finditer(rb"\xff\xd8\xff", data)]
    found += [b64decode(match.group()) for match in re.finditer(rb"/9j/[A-Za-z0-9+/]{40,}={0,2}", data)]
    decoded = (cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR) for jpeg in found)
    return [np.asarray(picture[..., ::-1], np.uint8) for picture in decoded if picture is not None]


def dumped(client: Any) -> dict[str, bytes]:
    """Every value of a Redis, and everything in it, as bytes."""
    read: dict[bytes, Any] = {
        b"string": lambda key: [client.get(key)],
        b"hash": lambda key: [part for pair in client.hgetall(key).items() for part in pair],
        b"stream": lambda key: [part for _, fields in client.xrange(key) for part in fields.values()],
        b"list": lambda key: client.lrange(key, 0, -1),
        b"set": lambda key: list(client.smembers(key)),
        b"zset": lambda key: client.zrange(key, 0, -1),
    }
    return {
        key.decode(): b"\n".join(part for part in read[client.type(key)](key) if part is not None)
        for key in client.scan_iter(count=1000)
    }


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    media = tmp_path / "media"
    media.mkdir()
    write_secret_recording(media / "normal.mp4", rushes=False)
    write_secret_recording(media / "tape.mp4", rushes=True)
    return Settings(
        data_dir=tmp_path / "data", media_dirs=(media,), port=free_port(), rtsp_port=free_port(), queue_memory_mb=64
    )


@pytest.fixture
def api(settings: Settings) -> Iterator[httpx.Client]:
    process = subprocess.Popen([sys.executable, "-P", "-m", "patchwatch", "serve"], env=settings.environment())
    with httpx.Client(base_url=f"http://127.0.0.1:{settings.port}", timeout=30, trust_env=False) as client:
        wait_until(lambda: _ready(client), within_s=WITHIN_S)
        yield client
    process.terminate()
    process.wait()


def _ready(client: httpx.Client) -> bool:
    try:
        return client.get("/readyz").is_success
    except httpx.HTTPError:
        return False


def asked(api: httpx.Client, method: str, path: str, **body: Any) -> Any:
    answer = api.request(method, f"/api/v1{path}", json=body or None)
    assert answer.is_success, answer.text
    return answer.json()


def learn(api: httpx.Client, name: str) -> dict[str, Any]:
    job = asked(api, "POST", "/cameras/porch/enrolments", sources=[name])

    def ended() -> Any:
        found = asked(api, "GET", f"/enrolments/{job['id']}")
        return found if found["state"] not in ("queued", "running") else None

    result: dict[str, Any] = wait_until(ended, within_s=WITHIN_S)
    assert result["state"] == "done", result
    return result


def ready(api: httpx.Client, alerts: list[dict[str, Any]]) -> bool:
    """Whether the evidence of all alerts is stored."""
    return all(asked(api, "GET", f"/alerts/{alert['id']}/evidence")["state"] == "ready" for alert in alerts)


def frames_of(clip: bytes) -> bytes:
    """Every frame of a clip, as JPEG pictures."""
    with av.open(io.BytesIO(clip), "r") as container:
        pictures = [np.asarray(frame.to_ndarray(format="bgr24"), np.uint8) for frame in container.decode(video=0)]
    assert pictures
    return b"".join(cv2.imencode(".jpg", picture)[1].tobytes() for picture in pictures)


def test_the_pattern_under_a_privacy_zone_is_found_nowhere(api: httpx.Client, settings: Settings) -> None:
    folder = settings.media_dirs[0]
    reader = RecordingReader.from_settings(settings)
    with reader.open(folder / "tape.mp4") as video:
        shown = next(iter(reader.batches(video)))[0][1].rgb
    assert likeness(shown) > 0.9, "without a zone it is plain to see"

    asked(api, "POST", "/cameras", id="porch", profile="motion", zones=[ZONE], pace="fast")
    learn(api, f"file:{folder / 'normal.mp4'}")
    asked(api, "PATCH", "/cameras/porch", source=f"file:{folder / 'tape.mp4'}")
    alerts = wait_until(lambda: asked(api, "GET", "/alerts?state=closed&kind=anomaly")["alerts"], within_s=WITHIN_S)
    wait_until(lambda: ready(api, alerts), within_s=WITHIN_S)
    served = [
        *(api.get(f"/api/v1/alerts/{alert['id']}/peak.jpg").content for alert in alerts),
        *(frames_of(api.get(f"/api/v1/alerts/{alert['id']}/clip.mp4").content) for alert in alerts),
        api.get("/api/v1/cameras/porch/snapshot.jpg").content,
        api.get("/api/v1/cameras/porch/snapshot.jpg?boxes=false").content,
        *(api.get(alert["snapshot"]).content for alert in alerts),
        *(api.get(alert["explanation"]).content for alert in alerts),
    ]
    assert running_url(settings) is not None
    stored = dumped(connect(str(running_url(settings))))
    banks = {str(path): path.read_bytes() for path in settings.data_dir.rglob("*.safetensors")}
    assert any(key.startswith("pw:alert:") and key.endswith(":jpeg") for key in stored)
    places = stored | banks | {f"served {number}": data for number, data in enumerate(served)}
    counts = {place: pictures_in(data) for place, data in places.items()}
    assert all(counts[f"served {number}"] for number in range(len(served)))
    assert all(counts[path] for path in banks)
    assert load_bank(settings.bank_path("porch", "motion")).view.hidden == (CORNERS,)
    assert sum(map(len, counts.values())) > 20
    for place, pictures in counts.items():
        for picture in pictures:
            assert likeness(picture) < ALIKE, place
            assert brightest(picture) < 60, place  # black, but for what JPEG makes of its edge

    status = asked(api, "GET", "/cameras/porch/status")
    assert status["frames"]["balanced"], status["frames"]
    assert not [alert for alert in asked(api, "GET", "/alerts")["alerts"] if alert["kind"] != "anomaly"]
    assert json.loads(stored["pw:cameras"].split(b"\n")[1])["version"] == 2


def test_a_zone_that_is_drawn_later_hides_what_was_learnt_before(api: httpx.Client, settings: Settings) -> None:
    """The bank from before keeps its pictures; none is served as it is, and the frames that waited are gone."""
    folder = settings.media_dirs[0]
    asked(api, "POST", "/cameras", id="porch", profile="motion", pace="fast")
    learn(api, f"file:{folder / 'normal.mp4'}")
    asked(api, "PATCH", "/cameras/porch", zones=[ZONE])
    wait_until(lambda: "enrol again" in asked(api, "GET", "/cameras/porch/status")["analysis"]["detail"])
    status = asked(api, "PATCH", "/cameras/porch", source=f"file:{folder / 'tape.mp4'}")
    assert [zone["name"] for zone in status["zones"]] == ["window"]
    [alert] = wait_until(lambda: asked(api, "GET", "/alerts?state=closed&kind=anomaly")["alerts"], within_s=WITHIN_S)
    explained = pictures_in(api.get(alert["explanation"]).content)
    assert explained
    assert max(map(likeness, explained)) < ALIKE
