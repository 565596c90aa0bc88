"""Finished spans, sent to a collector by OTLP over HTTP: in batches, by a thread, from a bounded queue."""

from __future__ import annotations

import importlib.util
import logging
import random
from collections.abc import Mapping
from dataclasses import dataclass, field

from patchwatch import __version__
from patchwatch.contract.errors import ConfigurationError
from patchwatch.messages.frames.frame import FrameMessage
from workers.tracing.frame_identity import trace_ids

_MOST_WAITING = 2048  # spans; more are dropped, and the library's log says so
_EVERY_MS = 1000
_BATCH = 512
_TIMEOUT_S = 5.0
_RANDOM = random.SystemRandom()
Attributes = Mapping[str, str | bool | int | float]


@dataclass(frozen=True)
class Span:
    """A part of a frame's way. Times are Unix nanoseconds by the clock of Redis."""

    name: str
    begin_ns: int
    end_ns: int
    attributes: Attributes = field(default_factory=dict)


def check_installed() -> None:
    """Raises `ConfigurationError` without the packages that send traces."""
    if not _has_exporter():
        raise ConfigurationError(
            "PATCHWATCH_TRACE_URL is set, but OpenTelemetry is not installed: run `pip install '.[otel]'` in the "
            "checkout, or unset it"
        )


def _has_exporter() -> bool:
    try:
        return importlib.util.find_spec("opentelemetry.exporter.otlp.proto.http") is not None
    except ModuleNotFoundError:
        return False


class SpanExport:
    """Sends spans to ``url``. Any thread may call it; nothing waits for the collector, and a full queue drops."""

    def __init__(self, url: str, role: str) -> None:
        """Raises `ConfigurationError` as `check_installed`."""
        check_installed()
        import requests
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        session = requests.Session()
        session.trust_env = False  # neither proxies nor a .netrc of the environment
        exporter = OTLPSpanExporter(f"{url}/v1/traces", timeout=_TIMEOUT_S, session=session)
        self._processor = BatchSpanProcessor(exporter, _MOST_WAITING, _EVERY_MS, _BATCH)
        self._resource = Resource(
            {"service.namespace": "patchwatch", "service.name": f"patchwatch-{role}", "service.version": __version__}
        )
        logging.getLogger("opentelemetry").setLevel(logging.ERROR)  # one line a failed batch, not one an attempt

    def send(self, camera_id: str, message: FrameMessage, spans: list[Span], whole: Span | None = None) -> None:
        """Parts of a frame's way, and the whole of it by whoever comes to its end."""
        from opentelemetry.sdk.trace import ReadableSpan
        from opentelemetry.trace import SpanContext, TraceFlags

        trace_id, outermost_id = trace_ids(camera_id, message)
        sampled = TraceFlags(TraceFlags.SAMPLED)
        outermost = SpanContext(trace_id, outermost_id, is_remote=True, trace_flags=sampled)
        frame: Attributes = {"patchwatch.camera": camera_id, "patchwatch.seq": message.seq}
        for span in [*spans, *([] if whole is None else [whole])]:
            own = outermost_id if span is whole else _RANDOM.getrandbits(64) or 1
            self._processor.on_end(
                ReadableSpan(
                    span.name,
                    SpanContext(trace_id, own, is_remote=False, trace_flags=sampled),
                    None if span is whole else outermost,
                    self._resource,
                    _together(frame, span.attributes),
                    start_time=span.begin_ns,
                    end_time=max(span.begin_ns, span.end_ns),
                )
            )

    def stop(self) -> None:
        """Send what waits, within some seconds."""
        self._processor.shutdown()  # type: ignore[no-untyped-call]


def _together(frame: Attributes, own: Attributes) -> dict[str, str | bool | int | float]:
    return {**frame, **own}
