"""Damaged video files: decoded as far as they go, refused, or ended from outside; other cameras go on."""

from __future__ import annotations

import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
import doubtful_videos
import numpy as np
import pytest
from fuzz_tally import Tally
from ingest_rig import running, write_video

from patchwatch.messages.cameras.camera import Camera, Pace
from patchwatch.messages.cameras.capture_status import CaptureState

FILES = "video files"
CAPTURED = "video files in a capture process"
WITHIN_S = 10.0
KINDS = {"a.mp4": None, "b.mkv": None, "c.ts": None, "d.mp4": {"movflags": "frag_keyframe+empty_moov"}}


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("videos")
    made = [
        write_video(folder / name, seconds=0.6, size=(96, 64), fps=20, options=options)
        for name, options in KINDS.items()
    ]
    return [*made, motion_jpeg(folder / "e.avi")]


def motion_jpeg(path: Path) -> Path:
    ramp = np.broadcast_to(np.linspace(0, 255, 96, dtype=np.uint8)[None, :, None], (64, 96, 3))
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=20)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuvj420p"
        for _ in range(10):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(ramp), format="rgb24")))
        container.mux(stream.encode())
    return path


def test_damaged_files_are_decoded_refused_or_ended_from_outside(
    tally: Tally, videos: list[Path], tmp_path: Path
) -> None:
    defects = []
    with decoder() as decode:
        assert {decode(path)[0] for path in videos} == {"pictures"}
        for mutator in tally.mutators(FILES):
            whole = mutator.random.choice(videos)
            path = tmp_path / f"damaged{whole.suffix}"
            path.write_bytes(mutator.damaged(whole.read_bytes()))
            outcome, words = decode(path)
            tally.count(FILES, outcome)
            if outcome == "a defect":
                defects.append((tally.now_at, whole.name, words[-1500:]))
    assert not defects, defects[:5]


@contextmanager
def decoder() -> Iterator[Any]:
    """Decodes in a child that is replaced when it hangs or dies."""
    child: list[subprocess.Popen[bytes]] = []

    def decode(path: Path) -> tuple[str, str]:
        if not child:
            command = [sys.executable, doubtful_videos.__file__]
            child.append(subprocess.Popen(command, stdin=-1, stdout=-1, stderr=-1, cwd=Path.cwd()))
        process = child[0]
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(f"{path}\n".encode())
        process.stdin.flush()
        if not select.select([process.stdout], [], [], WITHIN_S + 20 * (not path.exists()))[0]:
            end(child.pop())
            return "ended for hanging", ""
        if line := process.stdout.readline():
            return line.decode().strip(), ""
        words = process.stderr.read().decode(errors="replace")
        end(child.pop())
        return ("a defect" if "Traceback" in words else "FFmpeg died"), words

    try:
        yield decode
    finally:
        for process in child:
            end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    with process:
        pass


async def test_a_camera_with_a_damaged_file_is_reported_and_the_others_go_on(
    tally: Tally, stocked: Any, videos: list[Path]
) -> None:
    """Through the real capture processes and their supervisor."""
    stocked.client.flushall()
    media = stocked.settings.media_dirs[0]
    sound = write_video(media / "sound.mp4", seconds=2.0)
    async with running(stocked.settings) as rig:
        await rig.put(Camera(id="sound", source=f"file:{sound}", loop=True))
        await rig.until("sound", CaptureState.LIVE)
        for number, mutator in enumerate(tally.mutators(CAPTURED)):
            whole = mutator.random.choice(videos)
            path = media / f"damaged{number}{whole.suffix}"
            path.write_bytes(mutator.damaged(whole.read_bytes()))
            await rig.put(Camera(id=f"damaged{number}", source=f"file:{path}", pace=Pace.REALTIME))
            status = await rig.until(f"damaged{number}", lambda known: known.state is not CaptureState.CONNECTING)
            tally.count(CAPTURED, ": ".join(part for part in (status.state, status.reason) if part))
            await rig.remove(f"damaged{number}")
        last = await rig.status("sound")
        assert last is not None
        await rig.until("sound", lambda status: status.captured > last.captured + 5)
