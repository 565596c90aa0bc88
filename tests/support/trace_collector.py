"""A collector that speaks OTLP over HTTP, on this machine: remembers the spans that it is sent."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import parts


@dataclass(frozen=True)
class ReceivedSpan:
    """``parent``: empty for the outermost. Times are Unix nanoseconds."""

    name: str
    service: str
    trace: str
    id: str
    parent: str
    begin_ns: int
    end_ns: int
    facts: dict[str, Any]


@dataclass
class Collector:
    """``status`` is what it answers; what it refuses it does not remember."""

    url: str = ""
    status: int = 200
    refused: int = 0
    spans: list[ReceivedSpan] = field(default_factory=list)

    def traces(self) -> dict[int, list[ReceivedSpan]]:
        """By the frame's sequence number."""
        result: dict[int, list[ReceivedSpan]] = defaultdict(list)
        for span in list(self.spans):
            result[span.facts["patchwatch.seq"]].append(span)
        return result

    def whole(self) -> dict[int, dict[str, ReceivedSpan]]:
        """The traces that have their outermost span, by sequence number, each by the spans' names."""
        named = {seq: {span.name: span for span in spans} for seq, spans in self.traces().items()}
        return {seq: spans for seq, spans in named.items() if "frame" in spans}


@contextmanager
def collector() -> Iterator[Collector]:
    """One that runs until the end."""
    parts.need("otel")
    known = Collector()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(known))
    server.daemon_threads = True
    known.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield known
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(known: Collector) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            right = self.path == "/v1/traces" and self.headers["Content-Type"] == "application/x-protobuf"
            status = known.status if right else 400
            if status == 200:
                known.spans += _spans(body)
            else:
                known.refused += 1
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    return Handler


def _spans(body: bytes) -> list[ReceivedSpan]:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    request = ExportTraceServiceRequest.FromString(body)
    return [
        ReceivedSpan(
            span.name, str(_facts(resource.resource.attributes)["service.name"]), span.trace_id.hex(),
            span.span_id.hex(), span.parent_span_id.hex(), span.start_time_unix_nano, span.end_time_unix_nano,
            _facts(span.attributes),
        )
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]  # fmt: skip


def _facts(attributes: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}
