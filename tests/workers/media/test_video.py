"""Reading video: what is sampled, how it is scaled, and what is refused with which words."""

from __future__ import annotations

import errno
import socket
from pathlib import Path

import av
import av.error
import numpy as np
import pytest
from ingest_rig import free_port, rtsp_camera, write_video

from patchwatch.contract.errors import RejectedError, SourceRejectedError, SourceUnavailableError
from patchwatch.messages.cameras.source import SourceKind
from workers.media import jpeg_codec
from workers.media.container import VideoOptions
from workers.media.ffmpeg_errors import translated
from workers.media.video import Video


def times(path: Path, **options: float) -> list[float]:
    with Video.open(path, options=VideoOptions(**options)) as video:  # type: ignore[arg-type]
        return [round(frame.media_time_s, 3) for frame in video.frames()]


def test_the_same_file_always_gives_the_same_frames(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", seconds=1)
    assert times(path) == times(path) == [0.0, 0.2, 0.4, 0.6, 0.8]
    assert len(times(path, analysis_fps=100)) == 25


def test_only_the_first_frame_of_a_file_is_a_discontinuity_and_none_is_enlarged(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", seconds=1, size=(320, 200))
    with Video.open(path) as video:
        frames = list(video.frames())
        assert (video.codec, video.width, video.height, video.duration_s) == ("h264", 320, 200, 1.0)
    assert [frame.discontinuity for frame in frames] == [True] + [False] * 4
    assert {frame.rgb.shape for frame in frames} == {(200, 320, 3)}


@pytest.mark.parametrize(("fps", "own"), [(5, [0, 5]), (25, [0, 25])])
def test_a_frame_says_whether_a_picture_since_the_one_before_was_coded_on_its_own(
    tmp_path: Path, fps: float, own: list[int]
) -> None:
    """Key frames come once a second, whether they are sampled or not."""
    path = write_video(tmp_path / "a.mp4", seconds=2)
    with Video.open(path, options=VideoOptions(analysis_fps=fps)) as video:
        predicted = [frame.predicted for frame in video.frames()]
    assert [n for n, one in enumerate(predicted) if not one] == own


def test_a_key_frame_that_is_not_sampled_counts_for_the_next_frame(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", seconds=4)
    with Video.open(path, options=VideoOptions(analysis_fps=0.7)) as video:
        assert [(round(frame.media_time_s, 2), frame.predicted) for frame in video.frames()] == [
            (0.0, False), (1.32, False), (2.72, False),
        ]  # fmt: skip


def test_where_slots_are_left_out_a_frame_brings_the_picture_before_it(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", seconds=2)
    with Video.open(path) as video:
        every = {round(frame.media_time_s, 3): frame.rgb for frame in video.frames()}
    with Video.open(path) as video:
        video.sampler.one_in = 2
        frames = list(video.frames())
    assert [round(frame.media_time_s, 3) for frame in frames] == [0.0, 0.4, 0.8, 1.2, 1.6]
    assert frames[0].preceding is None
    for frame in frames[1:]:
        before = frame.preceding
        assert before is not None
        assert round(frame.media_time_s - before.media_time_s, 3) == 0.2
        assert np.array_equal(before.rgb, every[round(before.media_time_s, 3)])


def test_large_pictures_are_scaled_and_keep_their_own_size_beside(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", seconds=0.2, size=(1280, 720))
    with Video.open(path, options=VideoOptions(max_side_px=320)) as video:
        [frame] = video.frames()
    assert frame.rgb.shape == (180, 320, 3)
    assert (frame.source_width, frame.source_height) == (1280, 720)


def test_an_8k_picture_is_read(tmp_path: Path) -> None:
    path = write_video(tmp_path / "8k.mp4", seconds=0.04, size=(7680, 4320))
    with Video.open(path) as video:
        [frame] = video.frames()
    assert frame.rgb.shape == (360, 640, 3)


@pytest.mark.parametrize(("size", "limit"), [((640, 480), 640 * 479), ((16, 16), 7680 * 4320), ((2000, 40), 10**6)])
def test_pictures_out_of_bounds_are_refused_before_decoding(tmp_path: Path, size: tuple[int, int], limit: int) -> None:
    path = write_video(tmp_path / "a.mp4", seconds=0.2, size=size)
    with pytest.raises(SourceRejectedError, match=f"{size[0]}x{size[1]}") as caught:
        Video.open(path, options=VideoOptions(max_picture_px=limit))
    assert caught.value.reason == "picture_size"


def test_a_picture_of_one_pixel_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "dot.avi"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=5)
        stream.width, stream.height, stream.pix_fmt = 1, 1, "yuvj444p"
        dot = av.VideoFrame.from_ndarray(np.zeros((1, 1, 3), np.uint8), format="rgb24")
        container.mux(stream.encode(dot))
        container.mux(stream.encode())
    with pytest.raises(SourceRejectedError, match="1x1 are too small"):
        Video.open(path)


def test_a_truncated_file_is_read_as_far_as_it_goes_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    whole = write_video(tmp_path / "a.mp4", seconds=4, options={"movflags": "faststart"})
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])
    with Video.open(cut) as video:
        frames = list(video.frames())
        assert 5 < len(frames) < 20
        assert video.decode_errors >= 1
        assert "cut.mp4 breaks off after 2 of 4 s" in video.broken_off
    assert [record.getMessage() for record in caplog.records] == [video.broken_off]
    with Video.open(whole) as video:
        assert len(list(video.frames())) == 20
        assert video.broken_off == ""


def test_what_is_no_video_is_refused_with_its_reason(tmp_path: Path) -> None:
    text = tmp_path / "text.mp4"
    text.write_text("this is a letter\n" * 500)
    whole = write_video(tmp_path / "a.mp4", seconds=2)
    headless = tmp_path / "headless.mp4"
    headless.write_bytes(whole.read_bytes()[:5000])
    listing = tmp_path / "list.mp4"
    listing.write_text(f"ffconcat version 1.0\nfile {whole.name}\n")
    playlist = tmp_path / "list.m3u8"
    playlist.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{whole.name}\n#EXT-X-ENDLIST\n")
    empty = tmp_path / "empty.mp4"
    empty.touch()
    for path, reason in [
        (text, "corrupt"), (headless, "corrupt"), (empty, "corrupt"), (listing, "codec"), (playlist, "codec"),
        (tmp_path / "none.mp4", "not_found"), (tmp_path, "not_found"),
    ]:  # fmt: skip
        with pytest.raises(SourceRejectedError, match=path.name) as caught, Video.open(path) as video:
            list(video.frames())
        assert caught.value.reason == reason, path


@pytest.mark.parametrize("disguise", ["list.mp4", "list.m3u8", "list.ts", "list.sdp"])
@pytest.mark.parametrize(
    "text",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{target}\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile {target}\n",
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period><AdaptationSet '
        'mimeType="video/mp4"><Representation id="1" bandwidth="1"><BaseURL>{target}</BaseURL></Representation>'
        "</AdaptationSet></Period></MPD>",
        "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns={target}\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
        "m=video 5004 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n",
    ],
    ids=["hls", "concat", "dash", "sdp"],
)
def test_a_list_in_disguise_opens_neither_files_nor_connections(tmp_path: Path, text: str, disguise: str) -> None:
    write_video(tmp_path / "secret.mp4", seconds=1)
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        elsewhere.setblocking(False)
        url = f"http://127.0.0.1:{elsewhere.getsockname()[1]}/secret.ts"
        for target in (str(tmp_path / "secret.mp4"), "secret.mp4", url):
            (tmp_path / disguise).write_text(text.format(target=target))
            with pytest.raises(SourceRejectedError, match=disguise), Video.open(tmp_path / disguise) as video:
                list(video.frames())
        with pytest.raises(BlockingIOError):
            elsewhere.accept()


def test_a_file_with_sound_only_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.float32), format="fltp", layout="mono")
        sound.sample_rate = 8000
        container.mux(stream.encode(sound))
        container.mux(stream.encode())
    with pytest.raises(SourceRejectedError, match="no video track"):
        Video.open(path)


@pytest.mark.parametrize(
    ("url", "reason"),
    [("rtsp://ann:geheim@127.0.0.1:9/x", "refused"), ("rtsp://ann:geheim@nohost.invalid/x", "unreachable")],
)
def test_an_absent_camera_is_worth_retrying_and_its_password_stays_hidden(url: str, reason: str) -> None:
    with pytest.raises(SourceUnavailableError) as caught:
        Video.open(url, options=VideoOptions(live=True, timeout_s=2))
    assert caught.value.reason == reason
    assert "geheim" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("error", [MemoryError(), av.error.MemoryError(errno.ENOMEM, "Cannot allocate memory", "x")])
def test_the_error_about_exhausted_memory_names_the_setting(error: Exception) -> None:
    refused = pytest.raises(SourceUnavailableError, match="PATCHWATCH_CAPTURE_MEMORY_MB")
    with refused as caught, translated("rtsp://ann:geheim@cam/x", SourceKind.PULL):
        raise error
    assert caught.value.reason == "memory"
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize(
    ("path", "arguments", "reason"), [("nothing", (), "not_found"), ("cam", ("--audio-only",), "no_video")]
)
def test_a_camera_that_answers_without_video_says_why(path: str, arguments: tuple[str, ...], reason: str) -> None:
    port = free_port()
    with rtsp_camera(port, *arguments), pytest.raises((SourceUnavailableError, SourceRejectedError)) as caught:
        Video.open(f"rtsp://127.0.0.1:{port}/{path}", options=VideoOptions(live=True, timeout_s=3))
    assert caught.value.reason == reason  # type: ignore[attr-defined]


def test_a_picture_survives_the_queue_and_a_cut_one_is_rejected() -> None:
    rgb = np.broadcast_to(np.linspace(0, 255, 64, dtype=np.uint8)[None, :, None], (48, 64, 3))
    jpeg = jpeg_codec.encode(rgb, 90)
    assert np.abs(jpeg_codec.decode(jpeg).astype(int) - rgb).max() < 12
    with pytest.raises(RejectedError, match="JPEG"):
        jpeg_codec.decode(jpeg[: len(jpeg) // 2])


def test_a_title_that_is_not_utf8_keeps_no_file_from_being_read(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", seconds=1)
    written = path.read_bytes()
    assert b"Lavf" in written
    path.write_bytes(written.replace(b"Lavf", b"L\xe9vf"))
    assert len(times(path)) == 5
