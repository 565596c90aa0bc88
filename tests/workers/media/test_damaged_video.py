"""After damage no smeared picture is handed on: it would look like an anomaly."""

from __future__ import annotations

import logging
import random
from pathlib import Path

import av
import numpy as np
import pytest

from workers.media.container import VideoOptions
from workers.media.video import SampledFrame, Video

FPS, SECONDS, TS_BYTES = 25, 4, 188


def moving_blocks(path: Path, codec: str) -> Path:
    """Blocks that move over the picture; MPEG-TS, a key frame each second."""
    blocks = np.random.default_rng(1).integers(0, 255, (30, 80, 3), np.uint8)
    ground = np.repeat(np.repeat(blocks, 8, axis=0), 8, axis=1)
    options = {"preset": "ultrafast", "g": str(FPS), "x265-params": f"keyint={FPS}:log-level=none"}
    with av.open(str(path), "w", format="mpegts") as container:
        stream = container.add_stream(codec, rate=FPS, options=options)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for number in range(FPS * SECONDS):
            picture = np.ascontiguousarray(ground[:, 2 * number : 2 * number + 320])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path


def frames_of(path: Path) -> tuple[list[SampledFrame], int]:
    with Video.open(path, options=VideoOptions(analysis_fps=FPS)) as video:
        return list(video.frames()), video.decode_errors


def smeared(frames: list[SampledFrame], whole: list[SampledFrame]) -> int:
    def differs(frame: SampledFrame) -> bool:
        same = min(whole, key=lambda other: abs(other.media_time_s - frame.media_time_s))
        return float(np.abs(same.rgb.astype(int) - frame.rgb).mean()) > 3

    return sum(map(differs, frames))


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_lost_packets_cost_frames_until_the_next_key_frame_and_no_more(tmp_path: Path, codec: str) -> None:
    path = moving_blocks(tmp_path / "whole.ts", codec)
    whole, errors = frames_of(path)
    assert (len(whole), errors) == (FPS * SECONDS, 0)
    data = path.read_bytes()
    packets = [data[at : at + TS_BYTES] for at in range(0, len(data), TS_BYTES)]
    chance = random.Random(5)
    noticed = 0
    for _ in range(8):
        at = chance.randrange(len(packets) // 4, len(packets) // 2)
        hurt = tmp_path / "hurt.ts"
        hurt.write_bytes(b"".join(packets[:at] + packets[at + chance.choice((1, 3, 12)) :]))
        frames, errors = frames_of(hurt)
        noticed += errors  # a packet of tables may be lost without harm
        assert smeared(frames, whole) == 0
        assert len(frames) >= len(whole) - 2 * FPS  # at most the two seconds that were touched
        assert frames[-1].media_time_s > SECONDS - 0.2
    assert noticed > 0


def test_a_stream_joined_between_key_frames_is_not_read_before_the_first(tmp_path: Path) -> None:
    path = moving_blocks(tmp_path / "whole.ts", "libx265")
    whole, _ = frames_of(path)
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        joined = tmp_path / "joined.ts"
        with av.open(str(joined), "w", format="mpegts") as out:
            stream = out.add_stream_from_template(container.streams.video[0])
            for packet in packets[10:]:
                packet.stream = stream
                out.mux(packet)
    frames, _ = frames_of(joined)
    assert len(frames) >= FPS * (SECONDS - 1) - 2
    last = whole[-len(frames) :]
    assert all(np.abs(a.rgb.astype(int) - b.rgb).mean() <= 3 for a, b in zip(frames, last, strict=True))


def test_messages_of_the_decoder_do_not_reach_our_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    data = moving_blocks(tmp_path / "whole.ts", "libx265").read_bytes()
    middle = len(data) // 2 // TS_BYTES * TS_BYTES
    (tmp_path / "hurt.ts").write_bytes(data[:middle] + data[middle + 20 * TS_BYTES :])
    frames_of(tmp_path / "hurt.ts")
    assert not [record for record in caplog.records if record.name.startswith("libav")]
