"""A network share that hangs delays only the requests that need it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator

import httpx
import pytest
from service_world import World

from patchwatch.contract.errors import RetryableError
from patchwatch.contract.settings import Settings
from patchwatch.messages.cameras.source import Source
from service.rules import disk
from service.rules.disk import Disk


@pytest.fixture
def hung(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """A share that hangs until the event is set."""
    answers = threading.Event()
    monkeypatch.setattr(disk, "_TIMEOUT_S", 0.2)
    yield answers
    answers.set()


@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_a_share_that_hangs_delays_only_the_request_that_names_it(
    api: httpx.AsyncClient,
    world: World,
    settings: Settings,
    hung: threading.Event,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
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


async def test_few_threads_wait_however_many_requests_give_up(hung: threading.Event) -> None:
    checked = Disk()
    checks = [checked.run(lambda: hung.wait(30)) for _ in range(20)]
    answers = await asyncio.gather(*checks, return_exceptions=True)
    assert all(isinstance(answer, RetryableError) for answer in answers)
    waiting = [thread for thread in threading.enumerate() if thread.name == "disk"]
    assert (len(waiting), all(thread.daemon for thread in waiting)) == (4, True)
    hung.set()
    await checked.run(lambda: None)  # the threads are free again


async def test_the_caller_gets_the_error_of_its_check() -> None:
    def refuse() -> None:
        raise KeyError("no such file")

    with pytest.raises(KeyError, match="no such file"):
        await Disk().run(refuse)
