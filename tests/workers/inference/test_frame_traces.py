"""One frame in so many is traced from the queue to its commit, and whatever the collector does, all are scored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from trace_collector import collector

from patchwatch.bus import keys
from patchwatch.messages.alerts.alert import Alert

Run = Callable[..., Any]
RUSH = range(50, 65)


def test_one_frame_in_so_many_has_each_of_its_steps(enrolled: Any, run_worker: Run, until: Run) -> None:
    with collector() as known:
        settings = enrolled.settings.changed(trace_url=known.url, trace_one_in=5)
        for n in range(80):
            enrolled.frame(n, rush=n in RUSH)
        with run_worker(settings):
            until(lambda: enrolled.scored() == 80)
        traces = known.whole()
    assert sorted(traces) == list(range(5, 81, 5))
    for seq, spans in traces.items():
        assert set(spans) == {"frame", "batch", "extract", "score", "commit"}, "a recording's frame waits for no one"
        outermost = spans["frame"]
        assert outermost.parent == ""
        assert {span.trace for span in spans.values()} == {outermost.trace}
        assert {span.parent for name, span in spans.items() if name != "frame"} == {outermost.id}
        assert all(span.begin_ns <= span.end_ns <= outermost.end_ns for span in spans.values())
        assert spans["batch"].end_ns == spans["extract"].begin_ns
        assert spans["score"].end_ns <= spans["commit"].begin_ns
        assert (outermost.facts["patchwatch.camera"], outermost.facts["patchwatch.seq"]) == ("cam", seq)
        assert outermost.facts["patchwatch.scored"] is True
        assert outermost.service == "patchwatch-inference"
    told = {name for spans in traces.values() for name in spans["frame"].facts.get("patchwatch.alerts", "").split(",")}
    [alert] = {Alert.decode(fields[b"a"]).id for _, fields in enrolled.client.xrange(keys.ALERTS)}
    assert alert in told


@pytest.mark.parametrize("status", [400, 503])
def test_a_collector_that_refuses_costs_no_score(enrolled: Any, run_worker: Run, until: Run, status: int) -> None:
    with collector() as known:
        known.status = status
        for n in range(10):
            enrolled.frame(n)
        with run_worker(enrolled.settings.changed(trace_url=known.url, trace_one_in=1)):
            until(lambda: enrolled.scored() == 10)
            until(lambda: known.refused)
    assert known.spans == []


def test_a_frame_that_is_not_scored_says_so(queue: Any, run_worker: Run, until: Run) -> None:
    queue.add_camera()  # without a bank
    with collector() as known:
        queue.frame(0)
        with run_worker(queue.settings.changed(trace_url=known.url, trace_one_in=1, self_arm=False)):
            until(lambda: queue.counters().get("dropped_no_bank") or known.whole())
        [spans] = known.whole().values()
    assert set(spans) == {"frame", "commit"}
    assert spans["frame"].facts["patchwatch.scored"] is False
