"""A frame's capture process and its inference worker write one trace, though nothing in the queue names it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from footage import write_recording
from ingest_process import ingest_process
from trace_collector import collector
from waiting import wait_until
from worker_thread import in_thread

from patchwatch.bus import keys
from patchwatch.bus.connection import connect
from patchwatch.contract.errors import ConfigurationError
from patchwatch.contract.settings import Settings
from patchwatch.messages.cameras.camera import Camera, Pace
from patchwatch.messages.frames.frame import FrameFlag, FrameMessage
from workers.inference.worker import InferenceWorker
from workers.tracing import span_export
from workers.tracing.frame_identity import is_traced, trace_ids
from workers.tracing.span_export import SpanExport


def _frame(seq: int = 7, captured_at_ns: int = 1_800_000_000_000_000_000) -> FrameMessage:
    return FrameMessage(seq, captured_at_ns, 0, 320, 180, 640, 360, FrameFlag.LIVE, b"jpeg")


def test_two_processes_make_one_trace(bus_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with collector() as known:
        monkeypatch.setenv("PATCHWATCH_TRACE_URL", known.url)
        monkeypatch.setenv("PATCHWATCH_TRACE_ONE_IN", "3")
        settings = Settings(
            redis_url=bus_url, data_dir=tmp_path / "data", media_dirs=(tmp_path,), trace_url=known.url, trace_one_in=3
        )
        tape = write_recording(tmp_path / "tape.mp4", loops=1)
        with connect(bus_url) as client:
            camera = Camera(id="tape", source=f"file:{tape}", pace=Pace.REALTIME)
            client.hset(keys.CAMERAS, "tape", camera.encode())
            client.incr(keys.CAMERAS_REVISION)
        with ingest_process(settings), in_thread(InferenceWorker(settings)):
            steps = {"decode", "encode", "publish", "queue", "commit", "frame"}
            wait_until(lambda: any(steps <= set(spans) for spans in known.whole().values()))
        seq, spans = next((seq, spans) for seq, spans in known.whole().items() if steps <= set(spans))
    assert seq % 3 == 0
    assert {span.trace for span in spans.values()} == {spans["frame"].trace}
    assert {span.parent for name, span in spans.items() if name != "frame"} == {spans["frame"].id}
    assert {spans[name].service for name in ("decode", "encode", "publish")} == {"patchwatch-ingest"}
    assert spans["decode"].end_ns == spans["encode"].begin_ns
    assert spans["encode"].end_ns <= spans["publish"].begin_ns
    assert spans["publish"].facts["patchwatch.queued"] is True


def test_a_trace_is_that_of_one_frame_and_the_same_in_every_process() -> None:
    ids = {
        trace_ids("gate", _frame()), trace_ids("yard", _frame()), trace_ids("gate", _frame(8)),
        trace_ids("gate", _frame(captured_at_ns=1_800_000_000_000_000_001)),
    }  # fmt: skip
    assert len(ids) == 4
    assert trace_ids("gate", FrameMessage.decode(b"7-0", _frame().encode())) in ids
    assert [seq for seq in range(1, 10) if is_traced(seq, 4)] == [4, 8]


def test_without_its_packages_nothing_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(span_export, "_has_exporter", lambda: False)
    with pytest.raises(ConfigurationError, match=r"pip install '\.\[otel\]'"):
        SpanExport("http://127.0.0.1:4318", "inference")


@pytest.mark.parametrize("module", ["inference.worker", "ingest.worker", "ingest.capture.capture"])
def test_what_does_not_trace_loads_nothing_of_it(module: str) -> None:
    # redis-py loads OpenTelemetry where it is installed, which does nothing by itself
    code = f"import sys, workers.{module}; print({{'opentelemetry.exporter', 'requests'}} & set(sys.modules))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert answer.stdout == "set()\n", answer.stderr
