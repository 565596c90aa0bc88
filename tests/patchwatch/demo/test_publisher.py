"""Publishing over real RTSP, received by FFmpeg as a listener."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import av
import numpy as np
import pytest
import typer
from ingest_rig import free_port
from scene_footage import write_footage
from waiting import PATIENCE_S

from patchwatch.contract.errors import SourceUnavailableError
from patchwatch.demo import publisher
from patchwatch.demo.pictures import scene_pictures
from patchwatch.demo.scene.scene import Scene


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of the scene."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    write_footage(Scene(3), 2.0, path)
    return path


@contextmanager
def published(url: str, *options: str) -> Iterator[subprocess.Popen[str]]:
    """As slowly as this machine may be, no picture is left out."""
    command = [sys.executable, "-m", "patchwatch.demo.publisher", url, "--late", "60", *options]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def listen(url: str) -> av.container.InputContainer:
    return av.open(url, options={"rtsp_flags": "listen", "listen_timeout": "120"})


def test_the_scene_arrives_as_h264_at_its_rate() -> None:
    url = f"rtsp://127.0.0.1:{free_port()}/demo"
    with published(url, "--seed", "2", "--duration", "4") as process, listen(url) as container:
        video = container.streams.video[0]
        assert (video.codec_context.name, video.width, video.height) == ("h264", 640, 360)
        frames = [(frame.time, frame.to_ndarray(format="rgb24")) for frame in container.decode(video)]
        assert json.loads(process.stdout.readline())["started_at_ns"] > 0  # type: ignore[union-attr]
        assert process.wait(PATIENCE_S) == 0
    times = [at_s for at_s, _ in frames if at_s is not None]
    assert len(frames) >= 80
    assert np.median(np.diff(times)) == pytest.approx(0.04, abs=0.002)
    # Whoever comes late on a busy machine counts from what he saw first.
    expected = [Scene(2).picture(times[-1] + late / 25).astype(int) for late in range(25)]
    assert min(np.abs(frames[-1][1] - picture).mean() for picture in expected) < 6


def test_a_file_is_published_over_and_over_on_a_new_connection_each_time(clip: Path) -> None:
    url = f"rtsp://127.0.0.1:{free_port()}/own"
    with published(url, "--file", str(clip)):
        for _ in range(2):
            with listen(url) as container:
                assert len(list(islice(container.decode(video=0), 20))) >= 10  # a busy machine skips some


def test_an_address_that_takes_no_publisher_ends_in_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publisher, "CONNECT_WITHIN_S", 0.0)
    url = f"rtsp://user:secret@127.0.0.1:{free_port()}/demo"
    sender = publisher.Publisher(url)
    with pytest.raises(SourceUnavailableError, match="takes no publisher") as caught:
        sender.publish(scene_pictures(Scene(1)), 1.0)
    assert "secret" not in str(caught.value)


def test_pictures_that_come_too_late_are_left_out_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    sender = publisher.Publisher("rtsp://127.0.0.1/none", late_s=-60.0)  # all that come in less than a minute are late
    monkeypatch.setattr(sender, "_connect", lambda rgb, at_s: setattr(sender, "_container", sender))
    monkeypatch.setattr(sender, "_mux", lambda rgb, at_s: None)
    sender.publish(scene_pictures(Scene(1)), 0.4)
    assert sender.left_out == 10


def test_it_says_at_the_end_how_many_it_left_out(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with pytest.raises(typer.Exit) as ended:
        publisher.publish("rtsp://127.0.0.1:1/none", file=tmp_path / "absent.mp4")
    assert ended.value.exit_code == 1
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == {"left_out": 0}


def test_the_publisher_ends_with_the_process_that_started_it() -> None:
    url = f"rtsp://127.0.0.1:{free_port()}/demo"
    with published(url, "--stop-with-parent") as process:
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(PATIENCE_S) is not None
