"""Conditions of real footage: none in what is ordinary, and each where it is brought about."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import av
import cv2
import numpy as np
import pytest
from static_view import FPS, blurred, infrared, noisy, view

from models.alarms.event_detector import AlertGate
from models.frames.frame import Frame
from models.tampering.condition import Condition
from models.tampering.detector import PictureCheck, TamperingDetector
from patchwatch.contract.settings import Settings
from workers.analysis.recordings import RecordingReader


def kinds(changes: list[Condition]) -> list[tuple[str, bool]]:
    """(kind, whether it is over) of each change."""
    return [(change.kind.value, change.ended_s is not None) for change in changes]


def frames_of(path: Path, limit_s: float | None = None) -> Iterator[Frame]:
    reader = replace(RecordingReader.from_settings(Settings()), limit_s=limit_s)
    with reader.open(path) as video:
        for batch in reader.batches(video):
            yield from (frame for _, frame in batch)


Change = Callable[[np.ndarray], np.ndarray]  # of a picture


def altered(path: Path, change: Change | None = None, from_s: float = 0.0) -> list[Condition]:
    """What is said of footage whose pictures are changed from some time on."""
    watch = TamperingDetector()
    checks = (observed(watch, frame, change, from_s) for frame in frames_of(path, from_s + 20 if change else None))
    return [condition for check in checks for condition in check.changes]


def observed(watch: TamperingDetector, frame: Frame, change: Change | None = None, from_s: float = 0.0) -> PictureCheck:
    rgb = change(frame.rgb) if change and frame.at_s >= from_s else frame.rgb
    return watch.observe(Frame(rgb, frame.at_s, predicted=frame.predicted))


CLIPS = ["one-by-one-person-detection.mp4", "car-detection.mp4", "motorway-cyclist.avi"]
BEFALLS_S = 15.0
BEFALLS: dict[str, tuple[str, Change]] = {
    "black": ("covered", lambda rgb: (rgb * 0.0 + 3).astype(np.uint8)),
    "blurred": ("covered", blurred),
    "moved": ("scene_changed", lambda rgb: np.roll(rgb, (rgb.shape[0] // 10, rgb.shape[1] // 10), axis=(0, 1))),
}


class Seen(NamedTuple):
    """What is said of a clip: of all of it as it is, with times; and of its beginning, by what befalls it."""

    ordinary: list[tuple[float, PictureCheck]]
    befallen: dict[str, list[Condition]]


@pytest.fixture(scope="module", params=CLIPS)
def seen(request: pytest.FixtureRequest, data: Path) -> Seen:
    """Read once, by one watch for each."""
    watch, result = TamperingDetector(), Seen([], {name: [] for name in BEFALLS})
    watches = {name: TamperingDetector() for name in BEFALLS}
    for frame in frames_of(data / "clips" / request.param):
        result.ordinary.append((frame.at_s, observed(watch, frame)))
        if frame.at_s < BEFALLS_S + 20:
            for name, (_, change) in BEFALLS.items():
                result.befallen[name] += observed(watches[name], frame, change, BEFALLS_S).changes
    return result


def test_ordinary_footage_has_no_condition_and_is_never_looked_away_from(seen: Seen) -> None:
    assert seen.ordinary
    assert [change for _, check in seen.ordinary for change in check.changes] == []
    assert {check.gate for at_s, check in seen.ordinary if at_s > 1.0} == {AlertGate.OPEN}


@pytest.mark.parametrize("what", BEFALLS)
def test_what_befalls_real_footage_is_reported(seen: Seen, what: str) -> None:
    result, (kind, _) = seen.befallen[what], BEFALLS[what]
    assert kinds(result)[0] == (kind, False)
    assert {one.kind.value for one in result} == {kind}
    assert BEFALLS_S <= result[0].started_s <= BEFALLS_S + 4.0


def test_benchmark_clips_have_no_condition(data: Path) -> None:
    for path in sorted((data / "ucsd_ped2" / "testing").glob("*.mkv")):
        assert altered(path) == [], path.name


def test_an_infrared_switch_of_a_coloured_scene_is_reported(data: Path) -> None:
    result = altered(data / "clips" / "one-by-one-person-detection.mp4", infrared, 60.0)
    assert kinds(result) == [("scene_changed", False)]


def test_frozen_video_is_distinguished_from_a_still_scene_through_a_real_encoder(data: Path, tmp_path: Path) -> None:
    still = next(frames_of(data / "clips" / "one-by-one-person-detection.mp4", 1.0)).rgb
    still = cv2.resize(still, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA).astype(np.uint8)
    dark = (still * 0.2).astype(np.uint8)  # an empty corridor at night: faint noise that the encoder swallows
    frozen, corridor = tmp_path / "frozen.mp4", tmp_path / "corridor.mp4"
    _encode(frozen, lambda n: still)
    _encode(corridor, lambda n: noisy(dark, n, sigma=1.5))
    assert kinds(altered(frozen)) == [("frozen", False)]
    assert altered(corridor) == []


def test_a_still_room_through_an_encoder_with_rare_key_frames_is_not_frozen_and_a_frozen_one_is(tmp_path: Path) -> None:
    """All that comes between key frames 90 s apart is that nothing changed, in either."""
    saving = {"crf": "38", "preset": "ultrafast", "g": str(90 * FPS), "keyint_min": str(90 * FPS), "sc_threshold": "0"}
    frozen, room, scene = tmp_path / "frozen.mp4", tmp_path / "room.mp4", view()
    still = noisy(scene, 0, sigma=0.5)
    _encode(frozen, lambda n: still, 290, saving)
    _encode(room, lambda n: noisy(scene, n, sigma=0.5), 290, saving)
    assert kinds(altered(frozen)) == [("frozen", False)]
    assert altered(room) == []


def _encode(
    path: Path, frame: Callable[[int], np.ndarray], seconds: int = 150, options: dict[str, str] | None = None
) -> None:
    """H.264 with key frames as far apart as x264 sets them, 250 frames, where ``options`` say nothing else."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream(
            "libx264", rate=FPS, options=options or {"crf": "32", "preset": "ultrafast", "g": "250"}
        )
        stream.pix_fmt = "yuv420p"
        first = frame(0)
        stream.height, stream.width = (side // 2 * 2 for side in first.shape[:2])
        for n in range(seconds * FPS):
            rgb = np.ascontiguousarray(frame(n)[: stream.height, : stream.width])
            out.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24")))
        out.mux(stream.encode())
