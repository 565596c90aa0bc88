"""The delivery worker as a process: killed outright it loses nothing, told to stop it ends in order."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from receiver import OK, receiving

from patchwatch.bus import keys
from patchwatch.bus.keys import LeaseKeys
from patchwatch.contract.errors import ConfigurationError
from patchwatch.contract.settings import Settings
from workers.delivery.worker import run


@contextmanager
def delivery_process(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    code = (
        "from patchwatch.contract.settings import load_settings; "
        "from workers.delivery.worker import run; run(load_settings())"
    )
    process = subprocess.Popen([sys.executable, "-c", code], env=settings.environment())
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def test_killed_in_the_middle_of_deliveries_it_loses_none_and_counts_exactly(
    world: Any, settings: Settings, eventually: Any
) -> None:
    async def dies_unanswered(writer: asyncio.StreamWriter) -> None:
        process.send_signal(signal.SIGKILL)
        await asyncio.to_thread(process.wait)

    async with receiving() as receiver:
        receiver.answers = [OK, OK, dies_unanswered, OK, dies_unanswered, *[OK] * 20, dies_unanswered]
        world.webhook(receiver.url)
        ids = [f"home_{world.alert(number)}" for number in range(30)]
        lives = 0
        while world.progress().delivered < 30:
            with delivery_process(settings) as process:
                lives += 1
                await eventually(lambda: process.poll() is not None or world.progress().delivered == 30)
    assert lives == 4
    assert list(dict.fromkeys(receiver.ids)) == ids
    assert len(receiver.ids) == 33, "what was in hand when it died is sent again, with the same id"
    progress = world.progress()
    assert (progress.delivered, progress.failed, progress.passed, progress.dead) == (30, 0, 30, 0)


async def test_another_worker_goes_on_at_once_when_one_is_killed(
    world: Any, settings: Settings, running: Any, eventually: Any
) -> None:
    async with receiving() as receiver:
        world.webhook(receiver.url)
        world.alert(1)
        with delivery_process(settings) as process:
            await eventually(lambda: world.progress().delivered == 1)
            process.kill()
            world.alert(2)
            async with running():
                await eventually(lambda: world.progress().delivered == 2)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_asked_to_stop_it_records_the_attempt_in_hand_and_gives_its_leases_back(
    world: Any, settings: Settings, eventually: Any, number: signal.Signals
) -> None:
    async def is_asked_to_stop(writer: asyncio.StreamWriter) -> None:
        process.send_signal(number)
        await asyncio.sleep(0.2)
        writer.write(OK)
        await writer.drain()

    async with receiving(OK, is_asked_to_stop) as receiver:
        world.webhook(receiver.url)
        world.alert(1)
        world.alert(2)
        with delivery_process(settings) as process:
            await eventually(lambda: process.poll() is not None)
            assert process.returncode == 0
    assert world.progress().delivered == len(receiver.requests) == 1
    assert not world.bus.exists(LeaseKeys.for_webhook("home").lease)
    assert world.bus.keys(keys.worker("delivery", "*")) == []


def test_without_a_redis_it_says_which_setting_is_missing() -> None:
    with pytest.raises(ConfigurationError, match="PATCHWATCH_REDIS_URL"):
        run(Settings())
