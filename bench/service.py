"""How soon alerts reach WebSocket clients, and how soon a day of scores is answered.

``python -m bench.service`` runs the real service over a real Redis and writes ``bench/results/service.json``. Scores
and alerts are SYNTHETIC: they are written as the inference worker writes them, at the rate of its cameras. Latency
counts from before an alert is written to when a client of `websockets` has read it; all clients are in one process
beside the service.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import random
import resource
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]  # also when run as a file

from installation import Installation  # noqa: E402
from memory import peak_mib  # noqa: E402
from waiting import wait_until  # noqa: E402

from bench.measure import RESULTS, spread, write  # noqa: E402
from patchwatch.bus import keys  # noqa: E402
from patchwatch.bus.connection import connect_async  # noqa: E402
from patchwatch.messages.alerts.alert import Alert, AlertState  # noqa: E402
from patchwatch.messages.frames.score import Score, ScoreMinute, StreamReading  # noqa: E402

FPS = 5.0
CAMERAS = 16
SCORE_READERS = 10
DAY_MINUTES = 1440
KEPT_HOURS = 6  # of single scores, as by default


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 100, 1000])
    parser.add_argument("--alerts", type=int, default=30)
    parser.add_argument("--queries", type=int, default=100)
    parser.add_argument("--out", type=Path, default=RESULTS / "service.json")
    chosen = parser.parse_args()
    gc.disable()  # the clients' own pauses are not the service's
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 16_384), most))
    with tempfile.TemporaryDirectory(prefix="patchwatch-service-") as folder, contextlib.ExitStack() as stack:
        site = Installation(Path(folder) / "site", Path(folder), proxied=False)
        stack.callback(site.close)
        service = site.roles["service"]
        service.start()
        wait_until(lambda: answers(site))
        names = [f"cam{number:02d}" for number in range(CAMERAS)]
        for name in names:
            site.add_camera(name, "rtsp://127.0.0.1:9/never")
        body = asyncio.run(measure(site, names, chosen)) | {"service_peak_mib": round(peak_mib(service.pid), 1)}
    write("alerts to WebSocket clients and a day of scores; synthetic scores and alerts", body, chosen.out)


def answers(site: Installation) -> bool:
    try:
        return bool(site.http.get("/healthz").is_success)
    except httpx.HTTPError:
        return False


async def measure(site: Installation, names: Sequence[str], chosen: argparse.Namespace) -> dict[str, Any]:
    url = site.base.replace("http", "ws", 1) + "/api/v1/ws/"
    async with connect_async(f"redis://127.0.0.1:{site.redis.port}/0") as client:
        bytes_per_hour = await history(client, site, names[0])
        async with scores_flow(client, site, names), readers(url + "scores", SCORE_READERS):
            fan_out = {
                f"{count} clients": await alerting(client, url, count, chosen.alerts) for count in chosen.clients
            }
            queries_ms = await day_of_scores(site, names[0], chosen.queries)
    return {
        "cameras": CAMERAS, "scores_per_s": CAMERAS * FPS, "score_readers": SCORE_READERS,
        "alert_ms": fan_out, "day_by_the_minute_ms": percentiles(queries_ms),
        "redis_bytes_per_camera_and_hour_of_scores": bytes_per_hour,
    }  # fmt: skip


def percentiles(values: Sequence[float]) -> dict[str, float]:
    ordered = sorted(values)
    p99 = ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))]
    return spread(list(values)) | {"p99": round(p99, 1), "worst": round(ordered[-1], 1), "count": len(ordered)}


# Redis, as the inference worker fills it --------------------------------------------------------------------------


def score(seq: int, at_ms: int) -> dict[Any, Any]:
    value = random.random() * 0.4
    readings = (StreamReading("motion", value), StreamReading("velocity", value))
    return dict(Score(seq, at_ms * 10**6, at_ms * 10**6, value, value, readings, "motion", None).encode())


async def history(client: Any, site: Installation, name: str) -> int:
    """A day of minutes and hours of single scores; returns what an hour of these takes in Redis."""
    of, now_ms = site.keys(name), int(time.time() * 1000)
    this_minute_ms = now_ms - now_ms % 60_000
    async with client.pipeline(transaction=False) as pipe:
        for number in range(DAY_MINUTES, 0, -1):
            minute = ScoreMinute(this_minute_ms - number * 60_000, 300, 60.0, 0.4)
            pipe.xadd(of.minutes, dict(minute.encode()), id=f"{minute.minute_ms}-0")
        await pipe.execute()
        step_ms = int(1000 / FPS)
        for seq, at_ms in enumerate(range(now_ms - KEPT_HOURS * 3_600_000, now_ms, step_ms)):
            pipe.xadd(of.scores, score(seq, at_ms), id=f"{at_ms}-0")
        await pipe.execute()
    return int(await client.memory_usage(of.scores, samples=0)) // KEPT_HOURS


@asynccontextmanager
async def scores_flow(client: Any, site: Installation, names: Sequence[str]) -> AsyncIterator[None]:
    """Scores of all cameras, at their rate, while the context lasts."""

    async def flow() -> None:
        due_s, seq = time.monotonic(), 10**6
        while True:
            at_ms, seq = int(time.time() * 1000), seq + 1
            async with client.pipeline(transaction=False) as pipe:
                for name in names:
                    pipe.xadd(site.keys(name).scores, score(seq, at_ms), id=f"{at_ms}-0")
                await pipe.execute()
            due_s += 1 / FPS
            await asyncio.sleep(max(0.0, due_s - time.monotonic()))

    async with _running(flow()):
        yield


# Clients ----------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def _running(*work: Any) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(one) for one in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for failure in await asyncio.gather(*tasks, return_exceptions=True):
            if not isinstance(failure, asyncio.CancelledError | None):
                raise failure


@asynccontextmanager
async def connected(url: str, count: int) -> AsyncIterator[list[ClientConnection]]:
    async with contextlib.AsyncExitStack() as stack:
        at_once = 50
        sockets: list[ClientConnection] = []
        while len(sockets) < count:
            new = [connect(url, compression=None) for _ in range(min(at_once, count - len(sockets)))]
            sockets += await asyncio.gather(*(stack.enter_async_context(one) for one in new))
        yield sockets


@asynccontextmanager
async def readers(url: str, count: int) -> AsyncIterator[None]:
    """Clients who read everything."""

    async def read(socket: ClientConnection) -> None:
        async for _ in socket:
            pass

    async with connected(url, count) as sockets, _running(*map(read, sockets)):
        yield


async def alerting(client: Any, url: str, count: int, alerts: int) -> dict[str, float]:
    """Milliseconds from writing an alert to each of so many clients having read it. Fails unless all have all."""
    sent: dict[str, float] = {}
    heard: list[float] = []

    async def listen(socket: ClientConnection) -> None:
        async for message in socket:
            now_s = time.perf_counter()
            told = json.loads(message)
            if told["type"] == "alert":
                heard.append(1000 * (now_s - sent[told["alert"]["id"]]))

    async with connected(url + "alerts", count) as sockets, _running(*map(listen, sockets)):
        await asyncio.sleep(1.0)
        for number in range(alerts):
            alert = _alert(f"bench-{count}-{number}")
            sent[alert.id] = time.perf_counter()
            await client.xadd(keys.ALERTS, {b"a": alert.encode()})
            await asyncio.sleep(0.5)
        await asyncio.sleep(2.0)
    assert len(heard) == count * alerts, f"{count * alerts - len(heard)} alerts did not arrive"
    return percentiles(heard)


def _alert(name: str) -> Alert:
    now_ms = int(time.time() * 1000)
    return Alert(
        version=1, id=name, camera_id="cam00", state=AlertState.OPEN, started_at_ms=now_ms, opened_at_ms=now_ms,
        peak_at_ms=now_ms, peak_score=0.9, threshold=0.7, stream="motion", profile="motion",
    )  # fmt: skip


async def day_of_scores(site: Installation, name: str, queries: int) -> list[float]:
    now_s = time.time()
    query = {"from": f"{int((now_s - 86_400) * 1000)}", "resolution": "60", "limit": "2000"}
    taken = []
    async with httpx.AsyncClient(base_url=site.base) as http:
        for _ in range(queries):
            start_s = time.perf_counter()
            answer = (await http.get(f"/api/v1/cameras/{name}/scores", params=query)).raise_for_status()
            taken.append(1000 * (time.perf_counter() - start_s))
            assert len(answer.json()["points"]) >= DAY_MINUTES - 1
    return taken


if __name__ == "__main__":
    main()
