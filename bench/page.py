"""What the operator's page costs: how soon it can be used, and whether it grows while it is left open.

``python -m bench.page --cameras 12 --minutes 10`` opens the live page in Chromium, on the real service over a real
Redis, and writes ``bench/results/page-12.json``. Cameras are SYNTHETIC: frames, scores, states and an alert every ten
seconds are written as the workers write them. Once a minute garbage is collected, and what is left is counted.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psutil
from playwright.async_api import Browser, CDPSession, Page, async_playwright, expect

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]  # also when run as a file

import parts  # noqa: E402
from installation import Installation  # noqa: E402
from service_world import World, now_ms  # noqa: E402
from waiting import wait_until  # noqa: E402

from bench.measure import RESULTS, spread, write  # noqa: E402
from bench.service import answers  # noqa: E402
from patchwatch.bus import keys  # noqa: E402
from patchwatch.messages.alerts.alert import AlertState  # noqa: E402

FPS = 5.0
KEPT_FRAMES = 16
ALERT_EVERY_S = 10.0
ALERTS = 60  # before the page is opened: more than it lists
LOADS = 5
SETTLE_S = 15.0
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync")
PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cameras", type=int, default=12)
    parser.add_argument("--minutes", type=int, default=10, help="how long it is left open")
    parser.add_argument("--out", type=Path, default=None)
    chosen = parser.parse_args()
    body = asyncio.run(opened(chosen.cameras, chosen.minutes))
    out = chosen.out or RESULTS / f"page-{chosen.cameras}.json"
    write("the operator's page, live view, left open; synthetic cameras", body, out)


async def opened(cameras: int, minutes: int) -> dict[str, Any]:
    """What a page with so many cameras costs."""
    names = [f"cam{number:02d}" for number in range(cameras)]
    with site() as (installation, world), filled(world, names):
        service = psutil.Process(installation.roles["service"].pid)
        async with chromium() as browser:
            loads = [await load_ms(browser, installation.base, cameras) for _ in range(LOADS)]
            left = await left_open(browser, installation.base, service, minutes)
        memory_mb = round(service.memory_info().rss / 1e6, 1)
    return {
        "cameras": cameras, "frames_per_s_and_camera": FPS, "service_rss_mb": memory_mb,
        "first_paint_ms": spread([paint for paint, _ in loads]), "usable_ms": spread([usable for _, usable in loads]),
        "left_open": left,
    }  # fmt: skip


@contextmanager
def site() -> Iterator[tuple[Installation, World]]:
    """A Redis and the service, alone: nobody else writes what is read."""
    with tempfile.TemporaryDirectory(prefix="patchwatch-page-") as folder, contextlib.ExitStack() as stack:
        made = Installation(Path(folder) / "site", Path(folder), proxied=False, partitions=16)
        stack.callback(made.close)
        made.roles["service"].start()
        wait_until(lambda: answers(made))
        world = World(f"redis://127.0.0.1:{made.redis.port}/0")
        stack.callback(world.bus.close)
        yield made, world


# Redis, as the workers fill it ------------------------------------------------------------------------------------


@contextmanager
def filled(world: World, names: Sequence[str]) -> Iterator[None]:
    """Cameras with alerts of the last hour; a thread goes on writing as workers do."""
    for name in names:
        world.camera(name)
    for number in range(ALERTS):
        _alert(world, names[number % len(names)], now_ms() - 3_600_000 + number * 10_000)
    over = threading.Event()
    writer = threading.Thread(target=_write, args=(world, names, over), name="cameras")
    writer.start()
    try:
        yield
    finally:
        over.set()
        writer.join()


def _write(world: World, names: Sequence[str], over: threading.Event) -> None:
    picture = _picture()
    due_s, seq, alert_due_s = time.monotonic(), 0, time.monotonic() + ALERT_EVERY_S
    while not over.is_set():
        seq += 1
        for name in names:
            world.frame(seq, name, picture)
            world.bus.xtrim(world.keys_of(name).frames, maxlen=KEPT_FRAMES)
            world.score(now_ms(), 0.2 + 0.1 * (seq % 3), name, seq)
            if seq % round(FPS) == 1:
                world.capture(name, captured=seq)
                world.analysis(name, bank_id="b1")
        if time.monotonic() > alert_due_s:
            alert_due_s += ALERT_EVERY_S
            _alert(world, names[seq % len(names)], now_ms())
        due_s = max(due_s + 1 / FPS, time.monotonic() - 1.0)  # where the machine is too slow, fewer are written
        over.wait(max(0.0, due_s - time.monotonic()))


def _alert(world: World, name: str, at_ms: int) -> None:
    world.bus.set(keys.alert_picture(f"{name}-{at_ms}"), world.picture)
    world.alert(at_ms, name, state=AlertState.CLOSED, ended_at_ms=at_ms + 2000)


def _picture() -> bytes:
    """A JPEG of about the size that analysed frames have."""
    coarse = np.random.default_rng(1).integers(0, 255, (45, 80, 3), np.uint8)
    return cv2.imencode(".jpg", cv2.resize(coarse, (640, 360), interpolation=cv2.INTER_CUBIC))[1].tobytes()


# The browser ------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=parts.chromium(), args=ARGUMENTS)
        yield browser
        await browser.close()


async def load_ms(browser: Browser, base: str, cameras: int) -> tuple[float, float]:
    """Milliseconds until something is painted, and until all cameras with their states, the alerts and the first live
    picture are there; with an empty cache."""
    context = await browser.new_context(viewport={"width": 1280, "height": 800})
    page = await context.new_page()
    began_s = time.perf_counter()
    await page.goto(base, wait_until="commit")
    await expect(page.locator("article.camera .health:not(:empty)")).to_have_count(cameras, timeout=60_000)
    await expect(page.locator("#alerts li").first).to_be_visible(timeout=60_000)
    await expect(page.locator("article.camera img").first).to_be_visible(timeout=60_000)
    usable = 1000 * (time.perf_counter() - began_s)
    paint = await page.evaluate(PAINT)
    await context.close()
    assert paint is not None, "nothing was painted"
    return paint, usable


async def left_open(browser: Browser, base: str, service: psutil.Process, minutes: int) -> dict[str, Any]:
    """Minute by minute: requests, and what is left of nodes, listeners and heap once garbage is collected."""
    context = await browser.new_context(viewport={"width": 1280, "height": 800})
    page = await context.new_page()
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    await page.goto(base)
    await asyncio.sleep(SETTLE_S)
    session = await context.new_cdp_session(page)
    await session.send("Performance.enable")
    first = await counted(page, session)
    asked, cpu_s, began_s = len(_sent(requests)), _cpu_s(service), time.monotonic()
    rows = []
    for minute in range(minutes):
        await asyncio.sleep(max(0.0, began_s + 60 * (minute + 1) - time.monotonic()))
        total = len(_sent(requests))
        rows.append({"requests": total - asked, **await counted(page, session)})
        asked = total
    passed_s = time.monotonic() - began_s
    used = {name: round(100 * (now - cpu_s[name]) / passed_s, 1) for name, now in _cpu_s(service).items()}
    await context.close()
    per_s = round(sum(row["requests"] for row in rows) / passed_s, 2)
    return {"minutes": minutes, "requests_per_s": per_s, "cpu_percent": used, "before": first, "by_the_minute": rows}


def _sent(urls: Sequence[str]) -> list[str]:
    return [url for url in urls if not url.startswith(("blob:", "data:"))]


async def counted(page: Page, session: CDPSession) -> dict[str, float]:
    await session.send("HeapProfiler.collectGarbage")
    answer = await session.send("Performance.getMetrics")
    metrics = {metric["name"]: metric["value"] for metric in answer["metrics"]}
    return {
        "heap_mb": round(metrics["JSHeapUsedSize"] / 1e6, 2), "nodes": int(metrics["Nodes"]),
        "listeners": int(metrics["JSEventListeners"]), "documents": int(metrics["Documents"]),
        "elements": await page.evaluate("document.getElementsByTagName('*').length"),
    }  # fmt: skip


def _cpu_s(service: psutil.Process) -> dict[str, float]:
    """Processor time so far: of the service, and of all processes of the browser."""
    browser = [one for one in psutil.Process().children(recursive=True) if "chrom" in one.name()]
    return {"service": _used_s(service), "browser": sum(map(_used_s, browser))}


def _used_s(process: psutil.Process) -> float:
    with contextlib.suppress(psutil.Error):
        times = process.cpu_times()
        return float(times.user + times.system)
    return 0.0


if __name__ == "__main__":
    main()
