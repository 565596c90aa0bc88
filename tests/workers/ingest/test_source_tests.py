"""Sources are tried before cameras are added: the answer is words and a picture."""

from __future__ import annotations

import asyncio
import base64
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from ingest_rig import free_port, write_video

from patchwatch.bus import keys
from patchwatch.bus.connection import connect_async
from patchwatch.contract.settings import Settings
from patchwatch.messages.cameras.source_test import SourceTestOrder
from service.store.cameras.source_tests import SourceTestStore
from workers.ingest.source_tests import SourceTests
from workers.media import jpeg_codec


@pytest.fixture
async def client(make_settings: Callable[..., Settings]) -> AsyncIterator[Any]:
    async with connect_async(make_settings().shared_redis_url) as connected:
        yield connected


def order(source: str) -> SourceTestOrder:
    return SourceTestOrder.model_validate({"token": "t", "source": source, "asked_at_ms": 1})


async def test_a_file_is_tried_over_redis_and_answers_with_its_picture(
    client: Any, make_settings: Callable[..., Settings], media: Path
) -> None:
    path = write_video(media / "short.mp4", seconds=1)
    testing = asyncio.create_task(SourceTests(make_settings(), client).run())
    try:
        answer = await SourceTestStore(client).tried(f"file:{path}", "tcp", tls_verify=True)  # type: ignore[arg-type]
    finally:
        testing.cancel()
    assert answer.works, answer.text
    assert answer.text.startswith("It works: ")
    assert jpeg_codec.decode(base64.b64decode(answer.picture)).shape[:2] == (answer.height, answer.width)
    assert not await client.exists(keys.SOURCE_TEST_ORDERS)


async def test_what_is_wrong_is_said_without_the_password(client: Any, make_settings: Callable[..., Settings]) -> None:
    tests = SourceTests(make_settings(), client)
    answer = await tests.tried(order(f"rtsp://admin:s3cret@127.0.0.1:{free_port()}/live"))
    assert (answer.works, answer.reason, answer.picture) == (False, "refused", "")
    assert "nothing listens on that port" in answer.text
    assert "s3cret" not in answer.text
    outside = await tests.tried(order("file:/etc/passwd"))
    assert (outside.works, outside.reason) == (False, "forbidden_path")


async def test_a_camera_that_never_answers_is_given_up(client: Any, make_settings: Callable[..., Settings]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        tests = SourceTests(make_settings(source_timeout_s=60), client, within_s=0.5)
        answer = await tests.tried(order(f"rtsp://127.0.0.1:{silent.getsockname()[1]}/live"))
    assert (answer.works, answer.reason) == (False, "timeout")
    assert "check the address" in answer.text
