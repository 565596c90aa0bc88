"""Mutated inputs: how many and by which seed, and the stocked Redis and the real service that they go to.

``PATCHWATCH_FUZZ`` (300) is the number of all inputs, ``PATCHWATCH_FUZZ_SEED`` chooses others, ``PATCHWATCH_FUZZ_ONLY``
tries one again, ``PATCHWATCH_FUZZ_RECORD`` names a file for the counts by kind and outcome.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from fuzz_tally import Tally
from stocked_redis import Snapshot, learn_bank, stock

from models.banks.bank import Bank
from patchwatch.bus.connection import connect
from patchwatch.contract.settings import Settings
from patchwatch.local_redis.private_server import private_redis

TALLY = Tally.from_environment()
RECORD = os.environ.get("PATCHWATCH_FUZZ_RECORD")
REQUEST_WITHIN_S = 10.0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    folder = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(folder):
            item.add_marker(pytest.mark.timeout(300 + TALLY.total // 5))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    outcome: Any = yield
    if outcome.get_result().failed and TALLY.now_at:
        outcome.get_result().sections.append(("input", TALLY.now_at))
        TALLY.now_at = ""


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if TALLY.outcomes:
        terminalreporter.section(f"{sum(TALLY.inputs.values())} mutated inputs, seed {TALLY.seed}")
        for line in TALLY.lines():
            terminalreporter.line(line)
    if RECORD:
        TALLY.write(Path(RECORD))


@pytest.fixture(scope="session")
def tally() -> Tally:
    return TALLY


@dataclass(frozen=True)
class Stocked:
    """A Redis that ``reset`` puts back as it was at first, and the files that belong to it."""

    settings: Settings
    client: Any
    snapshot: Snapshot
    bank: Bank

    def reset(self) -> None:
        self.snapshot.restore(self.client)


@pytest.fixture(scope="session")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stocked]:
    with private_redis() as url:
        folder = tmp_path_factory.mktemp("fuzz")
        (folder / "media").mkdir()
        settings = Settings(
            redis_url=url, data_dir=folder, media_dirs=(folder / "media",), partitions=2, port=0, rtsp_port=0,
            websocket_heartbeat_s=0.5, reconnect_min_s=0.1, reconnect_max_s=0.2, source_timeout_s=1.0,
        )  # fmt: skip
        bank = learn_bank(settings)
        with connect(url) as client:
            stock(client, settings, bank)
            yield Stocked(settings, client, Snapshot.take(client), bank)


@dataclass(frozen=True)
class Service:
    """The real service in a process of its own. ``address``: host and port."""

    address: tuple[str, int]
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def url(self) -> str:
        return "http://{}:{}".format(*self.address)

    def check(self) -> None:
        """It lives, answers at once, and has met no defect of its own."""
        assert self.process.poll() is None, self.log.read_text()[-4000:]
        answer = httpx.get(f"{self.url}/healthz", timeout=REQUEST_WITHIN_S)
        assert answer.status_code == 200
        text = self.log.read_text(errors="replace")
        assert "Traceback" not in text, text[-6000:]


@pytest.fixture
def service(stocked: Stocked, tmp_path: Path) -> Iterator[Service]:
    """Started again for each test, with Redis put back."""
    stocked.reset()
    settings, log = stocked.settings, tmp_path / "service.log"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PATCHWATCH_")}
    environment |= {
        "PATCHWATCH_REDIS_URL": settings.redis_url.get_secret_value() if settings.redis_url else "",
        "PATCHWATCH_DATA_DIR": str(settings.data_dir), "PATCHWATCH_MEDIA_DIRS": str(settings.media_dirs[0]),
        "PATCHWATCH_PARTITIONS": "2", "PATCHWATCH_PORT": "0", "PATCHWATCH_WEBSOCKET_HEARTBEAT_S": "0.5",
    }  # fmt: skip
    command = [sys.executable, "-m", "patchwatch", "run", "service"]
    with log.open("wb") as out, subprocess.Popen(command, env=environment, stdout=out, stderr=out) as process:
        try:
            yield Service(_address(process, log), process, log)
        finally:
            process.terminate()
            try:
                process.wait(timeout=120)
            except subprocess.TimeoutExpired:
                process.kill()
                raise


def _address(process: subprocess.Popen[bytes], log: Path) -> tuple[str, int]:
    deadline_s = time.monotonic() + 120
    while True:
        words = log.read_text().split()
        bases = [word for word in words if word.startswith("http://127.0.0.1:")]
        if bases:
            return "127.0.0.1", int(bases[0].removeprefix("http://127.0.0.1:").split("/")[0])
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline_s, "the service did not come up"
        time.sleep(0.05)
