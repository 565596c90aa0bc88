"""Tries sources before cameras are added: each in a process of its own, two at a time, none for long."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from typing import Any

import redis.asyncio

from patchwatch.bus import keys
from patchwatch.bus.clock import BusClock
from patchwatch.bus.connection import translated
from patchwatch.contract.child_environment import bare_environment
from patchwatch.contract.errors import BusUnavailableError, InvalidMessageError, PatchwatchError
from patchwatch.contract.redaction import redact
from patchwatch.contract.settings import Settings
from patchwatch.messages.cameras.camera import Camera
from patchwatch.messages.cameras.source_test import START_WITHIN_S, SourceTestAnswer, SourceTestOrder
from workers.ingest.capture.protocol import CaptureOrder

_POLL_S = 0.5
_AT_ONCE = 2
_WITHIN_S = 15.0
_ANSWER_EXPIRES_S = 60
_ANSWER_BYTES = 4_000_000
log = logging.getLogger("patchwatch.ingest")


class SourceTests:
    """Answers orders from `keys.SOURCE_TEST_ORDERS`. Cameras are captured beside it as ever."""

    def __init__(self, settings: Settings, client: redis.asyncio.Redis, *, within_s: float = _WITHIN_S) -> None:
        self._settings = settings
        self._client: Any = client  # redis-py types every answer as a union over protocols and decodings
        self._within_s = within_s
        self._clock = BusClock()

    async def run(self) -> None:
        """Runs until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(_AT_ONCE):
                group.create_task(self._serve())

    async def _serve(self) -> None:
        while True:
            with contextlib.suppress(BusUnavailableError, InvalidMessageError):
                await self._answer_next()
            await asyncio.sleep(_POLL_S)

    async def _answer_next(self) -> None:
        with translated():
            data = await self._client.lpop(keys.SOURCE_TEST_ORDERS)
            if data is None:
                return
            await self._clock.sync_async(self._client)
        order = SourceTestOrder.decode(data)
        if self._clock.now_ms() - order.asked_at_ms > START_WITHIN_S * 1000:
            return  # nobody waits for it any more
        answer = await self.tried(order)
        key = keys.source_test_answer(order.token)
        with translated():
            async with self._client.pipeline(transaction=True) as pipe:
                pipe.rpush(key, answer.encode())
                pipe.expire(key, _ANSWER_EXPIRES_S)
                await pipe.execute()

    async def tried(self, order: SourceTestOrder) -> SourceTestAnswer:
        """Try a source in a process that is killed when it takes too long."""
        try:
            camera = Camera(
                id="test", source=order.source, transport=order.transport, tls_verify=order.tls_verify
            )  # fmt: skip
            capture = CaptureOrder.from_camera(camera, self._settings, lease=b"")
        except (PatchwatchError, ValueError) as error:
            return SourceTestAnswer(works=False, text=redact(str(error)))
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "workers.ingest.capture.source_test",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            env=bare_environment(), process_group=0,
        )  # fmt: skip
        try:
            async with asyncio.timeout(self._within_s):
                return await _answer_of(process, capture)
        except TimeoutError:
            text = f"it gave no picture within {self._within_s:.0f} s: check the address, the network and the camera"
            return SourceTestAnswer(works=False, text=text, reason="timeout")
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _answer_of(process: asyncio.subprocess.Process, order: CaptureOrder) -> SourceTestAnswer:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(order.encode() + b"\n")
    written = bytearray()
    while chunk := await process.stdout.read(65_536):
        written += chunk
        if len(written) > _ANSWER_BYTES:
            break
    try:
        return SourceTestAnswer.decode(bytes(written))
    except InvalidMessageError:
        log.warning("a source that was tried broke the process that read it")
        return SourceTestAnswer(works=False, text="it delivers something that cannot be read as video")
