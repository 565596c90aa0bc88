"""From an operator's word to silence and back, in a running worker."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from moving_scene import FPS, scene

from models.banks.bank import Bank
from models.banks.bank_file import save_bank
from models.memory.store import MemoryStore
from models.memory.stretches.stretch import Stretch
from patchwatch.bus import keys
from patchwatch.bus.corrections import change_corrections
from patchwatch.local_redis.private_server import private_redis
from patchwatch.messages.alerts.alert import Alert, AlertState
from patchwatch.messages.cameras.analysis_status import AnalysisStatus, CorrectionsInForce
from patchwatch.messages.cameras.correction import AROUND_EVENT_MS, Correction, CorrectionKind, Span
from patchwatch.messages.frames.score import Score
from workers.inference.corrections.addition_maker import NOTHING_REMEMBERED
from workers.inference.corrections.corrections import NO_MEMORY

Run = Callable[..., Any]
LOOP = 157  # frames: four swings of the patch, which then goes on where it began
RUSH = range(60, 75)
ID = "00000000000000aa"


class Site:
    """A camera that sees the same rush again and again, and its operator."""

    def __init__(self, queue: Any, until: Run) -> None:
        self._queue, self._until, self._fed = queue, until, 0
        self.client = queue.client

    def feed_to(self, end: int) -> None:
        for n in range(self._fed, end):
            self._queue.frame(n, rgb=scene(n % LOOP / FPS, rush=n % LOOP in RUSH))
        self._fed = end
        self._until(lambda: self._queue.scored() == end)

    def alerts(self) -> list[Alert]:
        return [Alert.decode(self.client.get(keys.alert(name.decode()))) for name in self._names()]

    def _names(self) -> list[bytes]:
        names: list[bytes] = self.client.zrange(keys.ALERTS_BY_TIME, 0, -1)
        return names

    def scores(self) -> list[float]:
        return [Score.decode(fields).score for _, fields in self.client.xrange(self._queue.keys.scores)]

    def corrections(self) -> CorrectionsInForce | None:
        record = self.client.get(self._queue.keys.analysis)
        return AnalysisStatus.decode(record).corrections if record else None

    def fault(self) -> str:
        return AnalysisStatus.decode(self.client.get(self._queue.keys.analysis)).corrections_fault or ""

    def says(self, kind: CorrectionKind, alert: Alert) -> None:
        span = Span.around(alert.started_at_ms, alert.ended_at_ms or alert.started_at_ms, AROUND_EVENT_MS)
        word = Correction(id=ID, kind=kind, spans=(span,), alert_ids=(alert.id,), by="operator", at_ms=1)
        change_corrections(self.client, "cam", lambda before: before.with_one(word))

    def undoes(self) -> None:
        change_corrections(self.client, "cam", lambda before: before.undone(ID, "operator", 2))


@pytest.fixture
def site(enrolled: Any, until: Run) -> Site:
    return Site(enrolled, until)


@pytest.fixture
def plain(bank: Bank, enrolled: Any, run_worker: Run, until: Run) -> Iterator[Site]:
    """The same frames where nobody says anything, and their scores."""
    with private_redis() as url:
        settings = enrolled.settings.changed(redis_url=url, data_dir=enrolled.settings.data_dir.with_name("plain"))
        queue = type(enrolled)(url, settings)
        save_bank(bank, settings.bank_path("cam", "motion"))
        queue.add_camera()
        with run_worker(settings):
            site = Site(queue, until)
            site.feed_to(4 * LOOP)
            yield site
        queue.client.close()


def test_alert_normal_silence_restart_undo_alert(
    site: Site, plain: Site, enrolled: Any, run_worker: Run, until: Run
) -> None:
    with run_worker(enrolled.settings):
        site.feed_to(LOOP)
        [first] = site.alerts()
        assert first.state is AlertState.CLOSED
        site.says(CorrectionKind.NORMAL, first)
        until(lambda: site.corrections() == CorrectionsInForce(in_force=1))
        site.feed_to(2 * LOOP)
        assert len(site.alerts()) == 1, "the same again is silent"
    with run_worker(enrolled.settings):
        site.feed_to(3 * LOOP)
        assert len(site.alerts()) == 1, "after a restart too, from the first frame on"
        site.undoes()
        until(lambda: site.corrections() is None)
        site.feed_to(4 * LOOP)
    assert [round((alert.started_at_ms - first.started_at_ms) * FPS / 1000) for alert in site.alerts()] == [0, 3 * LOOP]
    assert len(plain.alerts()) == 4
    corrected, untouched = site.scores(), plain.scores()
    assert corrected[:LOOP] == untouched[:LOOP]
    assert corrected[3 * LOOP :] == untouched[3 * LOOP :], "to the bit"
    assert all(after <= before for after, before in zip(corrected, untouched, strict=True))
    kept = enrolled.settings.memory_path("cam", "motion") / "corrections"
    assert list(kept.iterdir()) == []


def test_the_word_counts_while_the_alert_is_open(site: Site, enrolled: Any, run_worker: Run, until: Run) -> None:
    """From what the recorder holds: nothing of it is on disk yet."""
    with run_worker(enrolled.settings):
        site.feed_to(RUSH.stop - 5)
        [alert] = site.alerts()
        assert alert.state is AlertState.OPEN
        site.says(CorrectionKind.NORMAL, alert)
        until(lambda: site.corrections() == CorrectionsInForce(in_force=1))


def test_the_word_counts_for_what_waits_for_a_slow_disk(
    site: Site, enrolled: Any, run_worker: Run, until: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, honest = threading.Event(), MemoryStore.append

    def slow(self: MemoryStore, stretch: Stretch) -> Any:
        assert go_on.wait(60)
        return honest(self, stretch)

    monkeypatch.setattr(MemoryStore, "append", slow)
    with run_worker(enrolled.settings):
        site.feed_to(LOOP)
        site.says(CorrectionKind.NORMAL, site.alerts()[0])
        until(lambda: site.corrections() == CorrectionsInForce(in_force=1))
        site.feed_to(2 * LOOP)
        go_on.set()
    assert len(site.alerts()) == 1, "the same again is silent"


def test_what_nobody_remembers_waits_and_says_why(site: Site, enrolled: Any, run_worker: Run, until: Run) -> None:
    with run_worker(enrolled.settings):
        site.feed_to(LOOP)
        [alert] = site.alerts()
        long_ago = alert.model_copy(update={"started_at_ms": 1, "ended_at_ms": 2})
        site.says(CorrectionKind.NORMAL, long_ago)
        why = CorrectionsInForce(waiting=1, why_waiting=NOTHING_REMEMBERED)
        until(lambda: site.corrections() == why)


def test_without_a_memory_corrections_wait(site: Site, enrolled: Any, run_worker: Run, until: Run) -> None:
    with run_worker(enrolled.settings.changed(memory_mb=0)):
        site.feed_to(LOOP)
        site.says(CorrectionKind.NORMAL, site.alerts()[0])
        until(lambda: site.corrections() == CorrectionsInForce(waiting=1, why_waiting=NO_MEMORY))


def test_what_cannot_be_read_is_told_and_the_last_that_could_goes_on(
    site: Site, enrolled: Any, run_worker: Run, until: Run
) -> None:
    with run_worker(enrolled.settings):
        site.feed_to(LOOP)
        site.says(CorrectionKind.NORMAL, site.alerts()[0])
        until(lambda: site.corrections() == CorrectionsInForce(in_force=1))
        site.client.hset(keys.CORRECTIONS, "cam", b"rubbish")
        site.client.incr(keys.CORRECTIONS_REVISION)
        until(lambda: "the last that could be read go on to count" in site.fault())
        assert site.corrections() == CorrectionsInForce(in_force=1)
        site.feed_to(2 * LOOP)
    assert len(site.alerts()) == 1, "the same again is silent"
