"""What users of a large installation do: ask for lists and a status, and listen to alerts and scores."""

from __future__ import annotations

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import datetime
from typing import Any

import numpy as np
from websockets.asyncio.client import ClientConnection, connect

from bench.capacity.site import Site

_AT_ONCE = 25  # connections that are opened


def percentiles(values: list[float]) -> dict[str, float]:
    """Of milliseconds."""
    if not values:
        return {"count": 0}
    p50, p99 = np.percentile(values, [50, 99])
    return {
        "p50": round(float(p50), 1),
        "p99": round(float(p99), 1),
        "worst": round(max(values), 1),
        "count": len(values),
    }


def answer_times(site: Site, times: int) -> dict[str, dict[str, float]]:
    """Milliseconds until each answer was there, of the service's processor for it, and its kilobytes; one after the
    other."""
    some = site.cameras[len(site.cameras) // 2]
    paths = {
        "list of cameras": "/api/v1/cameras", "status of all": "/api/v1/status",
        "status of one": f"/api/v1/cameras/{some}/status", "scores of one": f"/api/v1/cameras/{some}/scores",
        "alerts": "/api/v1/alerts", "demand": "/api/v1/demand", "ready": "/readyz", "metrics": "/metrics",
    }  # fmt: skip
    found: dict[str, dict[str, float]] = {}
    for what, path in paths.items():
        taken_ms, size, before_s = [], 0, site.cpu_s()["service"]
        for _ in range(times):
            began_s = time.perf_counter()
            answer = site.http.get(path)
            if path != "/readyz":  # which may say that a worker is missing, where the machine is busy
                answer.raise_for_status()
            taken_ms.append(1000 * (time.perf_counter() - began_s))
            size = len(answer.content)
        busy_ms = 1000 * (site.cpu_s()["service"] - before_s) / times
        found[what] = percentiles(taken_ms) | {"service_busy_ms": round(busy_ms, 1), "kb": round(size / 1000, 1)}
    return found


async def fan_out(site: Site, listeners: int, score_readers: int, seconds: float) -> dict[str, Any]:
    """From the frame that opened an alert to each client of WebSockets that heard of it, and how far apart the first
    and the last heard; beside clients that read all scores."""
    heard: dict[tuple[str, str], list[float]] = defaultdict(list)
    scores = [0]

    async def listen(socket: ClientConnection) -> None:
        async for message in socket:
            told = json.loads(message)
            if told["type"] == "alert" and told["change"] == "open":
                heard[told["alert"]["id"], told["alert"]["opened"]].append(time.time())

    async def count(socket: ClientConnection) -> None:
        async for message in socket:
            scores[0] += json.loads(message)["type"] == "score"

    base = f"ws://127.0.0.1:{site.settings.port}/api/v1/ws/"
    async with (
        _connected(base + "alerts", listeners) as of_alerts,
        _connected(base + "scores", score_readers) as of_all,
    ):
        tasks = [asyncio.create_task(listen(one)) for one in of_alerts]
        tasks += [asyncio.create_task(count(one)) for one in of_all]
        await asyncio.sleep(seconds)
        for task in tasks:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks, return_exceptions=True)
    return _summary(heard, listeners, scores[0] / max(1, score_readers) / seconds)


def _summary(heard: dict[Any, list[float]], listeners: int, scores_per_s: float) -> dict[str, Any]:
    opened_s = {key: datetime.fromisoformat(key[1]).timestamp() for key in heard}
    delays_ms = [1000 * (at_s - opened_s[key]) for key, times in heard.items() for at_s in times]
    apart_ms = [1000 * (max(times) - min(times)) for times in heard.values() if len(times) == listeners]
    return {
        "listeners": listeners, "alerts": len(heard), "from_frame_to_client_ms": percentiles(delays_ms),
        "first_to_last_client_ms": percentiles(apart_ms), "scores_per_s_of_a_reader": round(scores_per_s, 1),
    }  # fmt: skip


@asynccontextmanager
async def _connected(url: str, count: int) -> AsyncIterator[list[ClientConnection]]:
    async with AsyncExitStack() as stack:
        sockets: list[ClientConnection] = []
        while len(sockets) < count:
            some = [connect(url, compression=None, max_size=None) for _ in range(min(_AT_ONCE, count - len(sockets)))]
            sockets += await asyncio.gather(*(stack.enter_async_context(one) for one in some))
        yield sockets
