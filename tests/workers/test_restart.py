"""An installation without a Redis of its own has everything again after a restart, however it ended."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from footage import write_recording
from ingest_rig import free_port
from once_a_run import once_a_run
from waiting import wait_until

from models.banks.bank_file import save_bank
from patchwatch.bus.connection import connect
from patchwatch.contract.settings import Settings
from patchwatch.local_redis.kept_server import running_url
from workers.analysis.engine_loader import load_engine
from workers.analysis.recordings import RecordingReader, learn, recorded_clips

WITHIN_S = 120.0


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    media = tmp_path / "media"
    media.mkdir()
    return Settings(
        data_dir=tmp_path / "data", media_dirs=(media,), port=free_port(), rtsp_port=free_port(), queue_memory_mb=64
    )


@pytest.fixture
def tape(settings: Settings) -> Path:
    """A recording with something to alert on, of a camera that has learnt normal."""

    def make(folder: Path) -> None:
        folder.mkdir()
        normal = write_recording(folder / "normal.mp4", loops=3)
        clips = recorded_clips([normal], RecordingReader.from_settings(settings, 5.0))
        save_bank(learn(load_engine(settings, "motion"), clips, count=1), folder / "bank")
        write_recording(folder / "tape.mp4", loops=3, rushes=((10.0, 16.0),))

    made = once_a_run("restart-tape", make)
    bank = settings.bank_path("tape", "motion")
    bank.parent.mkdir(parents=True)
    shutil.copy(made / "bank", bank)
    return Path(shutil.copy(made / "tape.mp4", settings.media_dirs[0]))


@pytest.fixture
def serve(settings: Settings) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    started: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        started.append(
            subprocess.Popen([sys.executable, "-P", "-m", "patchwatch", "serve"], env=settings.environment())
        )
        wait_until(lambda: asked(settings, "/readyz") is not None, within_s=WITHIN_S)
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def asked(settings: Settings, path: str, **body: Any) -> Any:
    """None where there is no answer yet, or not a good one."""
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{settings.port}", timeout=10, trust_env=False) as client:
            answer = client.post(path, json=body) if body else client.get(path)
    except httpx.HTTPError:
        return None
    return answer.json() if answer.is_success else None


def kept(settings: Settings) -> dict[str, Any]:
    """What a user would miss."""
    api = "/api/v1"
    status = asked(settings, f"{api}/cameras/tape/status")
    return {
        "cameras": asked(settings, f"{api}/cameras"),
        "webhooks": [one["id"] for one in asked(settings, f"{api}/webhooks")["webhooks"]],
        "alerts": asked(settings, f"{api}/alerts?limit=1000"),
        "scores": asked(settings, f"{api}/cameras/tape/scores?from=2000-01-01T00:00:00Z&limit=10000")["points"],
        "account": {name: status["frames"][name] for name in ("captured", "scored", "dropped", "lost", "unaccounted")},
    }


def stop(process: subprocess.Popen[bytes], settings: Settings) -> None:
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 0


def kill_everything(process: subprocess.Popen[bytes], settings: Settings) -> None:
    url = running_url(settings)
    assert url is not None
    with connect(url) as client:
        server = int(client.info("server")["process_id"])
    for pid in (process.pid, server):
        os.kill(pid, signal.SIGKILL)
    process.wait()


@pytest.mark.timeout(400)
@pytest.mark.parametrize("end", [stop, kill_everything])
def test_everything_is_there_again(settings: Settings, tape: Path, serve: Any, end: Any) -> None:
    first = serve()
    assert asked(settings, "/api/v1/webhooks", id="home", url="http://10.0.0.9/hook")
    assert asked(settings, "/api/v1/cameras", id="yard", source="push:", publish_username="u", publish_password="p4ss")
    assert asked(settings, "/api/v1/cameras", id="tape", source=f"file:{tape}", pace="fast")
    wait_until(lambda: _is_scored(settings), within_s=WITHIN_S)
    before = kept(settings)
    assert before["alerts"]["alerts"]
    assert before["account"]["unaccounted"] == 0
    end(first, settings)
    serve()
    wait_until(lambda: asked(settings, "/api/v1/cameras/tape/status")["capture"]["state"] == "ended", within_s=WITHIN_S)
    assert kept(settings) == before


def _is_scored(settings: Settings) -> bool:
    status = asked(settings, "/api/v1/cameras/tape/status")
    captured, scored = (status["frames"][name] for name in ("captured", "scored"))
    return bool(status["capture"]) and status["capture"]["state"] == "ended" and 0 < captured == scored
