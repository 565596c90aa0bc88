"""One installation for the tests of this folder, its cameras, and the table that the run becomes.

``--record-faults PATH`` writes what was seen of every fault as JSON; `bench.faults` makes ``docs/faults.md`` of it.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from alert_feed import AlertFeed
from cameras import Cameras
from fault import Fault, Row
from folder_lifetime import of_folder
from footage import write_recording, write_units
from installation import Installation
from status_watch import StatusWatch
from tcp_proxy import TcpProxy
from waiting import wait_until

GATE, YARD, HALL = "gate", "yard", "hall"
ALL = (GATE, YARD, HALL)
_FOLDER = Path(__file__).parent
_ROWS: list[Row] = []


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--record-faults", type=Path, help="write what was seen of every fault to this file")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(_FOLDER):
            item.add_marker(pytest.mark.timeout(600))  # each waits with deadlines of its own


def pytest_sessionfinish(session: pytest.Session) -> None:
    path: Path | None = session.config.getoption("--record-faults")
    if path is not None:
        path.write_text(json.dumps([row.as_json() for row in _ROWS], indent=1) + "\n")


@dataclass
class Site:
    """The installation and what surrounds it. Camera ``gate`` hangs on a server and a proxy of its own."""

    installation: Installation
    watch: StatusWatch
    feed: AlertFeed
    gate: Cameras
    others: Cameras
    gate_proxy: TcpProxy
    recording: Path

    def alert_of_gate(self) -> str:
        """Something rushes before gate: the id of the one alert that this is, heard over the WebSocket, and closed."""
        heard = len(self.feed.opened(GATE))
        self.gate.tell(GATE, "show", "rush")
        wait_until(lambda: len(self.feed.opened(GATE)) > heard)
        self.gate.tell(GATE, "show", "normal")
        [alert_id] = self.feed.opened(GATE)[heard:]
        wait_until(lambda: self.installation.get(f"/alerts/{alert_id}")["state"] == "closed")
        return alert_id


@pytest.fixture(scope="session")
def units(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_units(tmp_path_factory.mktemp("units"))


@pytest.fixture(scope="session")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``normal.mp4``: 32 s in which nothing happens."""
    folder = tmp_path_factory.mktemp("media")
    write_recording(folder / "normal.mp4", loops=4)
    return folder


@pytest.fixture
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, units: Path, media: Path) -> Site:
    """Running, its cameras enrolled and scored; it ends with the last test of this folder."""
    return of_folder(request, _FOLDER, lambda: _running(tmp_path_factory.mktemp("site"), units, media))


@contextmanager
def _running(folder: Path, units: Path, media: Path) -> Iterator[Site]:
    gate, others = Cameras(units, GATE), Cameras(units, YARD, HALL)
    proxy = TcpProxy(gate.port)
    installation = Installation(folder, media)
    try:
        for cameras in (gate, others):
            cameras.start()
        installation.start()
        installation.add_camera(GATE, gate.url(GATE, proxy.port))
        for name in (YARD, HALL):
            installation.add_camera(name, others.url(name))
        assert installation.enrol(GATE, media / "normal.mp4")["state"] == "done"
        banks = installation.settings.banks_dir
        for name in (YARD, HALL):  # they show the same scene
            shutil.copytree(banks / GATE, banks / name, dirs_exist_ok=True)
        installation.wait_until_ok(*ALL)
        with StatusWatch(installation.base) as watch, AlertFeed(installation.base) as feed:
            yield Site(installation, watch, feed, gate, others, proxy, media / "normal.mp4")
    finally:
        installation.close()
        proxy.close()
        gate.stop()
        others.stop()


@pytest.fixture
def fault(site: Site, request: pytest.FixtureRequest) -> Iterator[Fault]:
    """The fault that a test is about, a row of the table."""
    row = Row(_group(request.module.__doc__ or ""), _sentence(request.node.name))
    yield Fault(site.installation, site.watch, site.feed, row, ALL)
    site.gate_proxy.restore()
    site.installation.proxy.restore()
    row.failure = getattr(request.node, "failure", "did not run")
    row.passed = not row.failure
    _ROWS.append(row)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call":
        item.failure = _failure(report)  # type: ignore[attr-defined]
    return report


def _failure(report: pytest.TestReport) -> str:
    """Its last line; empty for a test that passed."""
    crash = getattr(report.longrepr, "reprcrash", None)
    return "" if report.passed else str(crash.message if crash else report.longrepr).splitlines()[0]


def _group(doc: str) -> str:
    return doc.split(".")[0].split(":")[0].strip()


def _sentence(name: str) -> str:
    plain, _, case = name.removeprefix("test_").partition("[")
    words = plain.replace("_", " ")
    return re.sub(r"^\w", lambda first: first[0].upper(), words) + (f" ({case[:-1]})" if case else "")
