"""A worker in a process of its own whose Redis client loses every cancellation: ``deaf_worker.py MODULE REDIS_URL
DATA_DIR [held]``. Prints ``ready`` once it works, or with ``held`` once it is in the middle of a call, and ends when
told to by a signal."""

from __future__ import annotations

import asyncio
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from deaf_redis import DeafRedis
from waiting import PATIENCE_S, eventually

from patchwatch.contract.settings import Settings
from workers.ingest import supervisor


async def main(module: Any, url: str, data_dir: Path, held: bool) -> None:
    clients: list[DeafRedis] = []

    def connected(url: str, **_: Any) -> DeafRedis:
        clients.append(DeafRedis.at(url))
        return clients[0]

    module.connect_async = connected
    supervisor._CANCEL_AGAIN_S = 3600.0
    serving = asyncio.create_task(module.serve(Settings(redis_url=url, data_dir=data_dir, rtsp_port=0)))
    await eventually(lambda: clients and clients[0].calls > 10)
    if held:
        clients[0].hold = True
        async with asyncio.timeout(PATIENCE_S):
            await clients[0].held.wait()
    print("ready", flush=True)
    await serving


if __name__ == "__main__":
    asyncio.run(main(import_module(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), "held" in sys.argv[4:]))
