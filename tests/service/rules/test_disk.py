"""A network share that hangs holds up only who asks for it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator

import httpx
import pytest

from patchwatch.contract.errors import RetryableError
from patchwatch.messages.source import Source
from service.rules import disk
from service.rules.disk import Disk


@pytest.fixture
def hung(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Set when the share answers again."""
    answers = threading.Event()
    monkeypatch.setattr(disk, "_TIMEOUT_S", 0.2)
    yield answers
    answers.set()


@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_a_camera_on_a_share_that_hangs_holds_up_its_own_request_alone(
    api: httpx.AsyncClient, world, settings, hung: threading.Event, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    monkeypatch.setattr(Source, "within", lambda *_: hung.wait(30))
    world.camera()
    body = {"source": f"file:{settings.allowed_media_dirs[0]}/monday.mp4"}
    if method == "POST":
        asked = asyncio.create_task(api.post("/api/v1/cameras", json={"id": "hall", **body}))
    else:
        asked = asyncio.create_task(api.patch("/api/v1/cameras/gate", json=body))
    began_s = time.monotonic()
    assert (await api.get("/healthz")).status_code == 200
    assert time.monotonic() - began_s < 10
    answer = await asked
    assert (answer.status_code, "network share" in answer.json()["detail"]) == (503, True)


async def test_however_many_give_up_few_threads_wait(hung: threading.Event) -> None:
    asked = Disk()
    questions = [asked.ask(lambda: hung.wait(30) and None) for _ in range(20)]
    answers = await asyncio.gather(*questions, return_exceptions=True)
    assert all(isinstance(answer, RetryableError) for answer in answers)
    waiting = [thread for thread in threading.enumerate() if thread.name == "disk"]
    assert (len(waiting), all(thread.daemon for thread in waiting)) == (4, True)
    hung.set()
    await asked.ask(lambda: None)  # and they are free again


async def test_what_is_found_out_is_told() -> None:
    def refuse() -> None:
        raise KeyError("no such file")

    with pytest.raises(KeyError, match="no such file"):
        await Disk().ask(refuse)
