"""Figures for Prometheus, gathered from Redis at each scrape."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from patchwatch.contract.roles import Role
from patchwatch.messages.alert import AlertKind
from patchwatch.messages.capture_status import CaptureState
from patchwatch.messages.heartbeat import Heartbeat
from service.context import In
from service.health import Health
from service.routes.status import learning, views
from service.routes.webhooks import webhook_views
from service.schemas.models import CameraStatus
from service.schemas.webhook import WebhookHealth, WebhookView
from service.store.statuses import CameraRecord

router = APIRouter(tags=["health"])
_WEBHOOK_COUNTS = {
    "delivered": "Alert changes delivered",
    "failed": "Attempts that failed",
    "dead": "Alert changes given up",
    "forgotten": "Dead letters that newer ones pushed out",
    "missed": "Alert changes that left the queue before they were sent",
    "unreadable": "Entries that were no alert",
}
_WEBHOOK_GAUGES = {
    "pending": "Alert changes not sent or passed over yet",
    "dead_letters": "Dead letters kept",
}


@router.get("/metrics", summary="Prometheus metrics", response_class=PlainTextResponse)
async def metrics(context: In) -> PlainTextResponse:
    cameras = await context.store.cameras.all()
    ids = [camera.id for camera in cameras]
    records, notices = await context.store.statuses.read(ids), await learning(context, ids)
    beats = await context.store.statuses.beats()
    opened = await context.store.alerts.open_by_camera()
    webhooks = await webhook_views(context, await context.store.webhooks.all())
    at_ms = await context.now_ms()

    def text() -> bytes:
        found = views(context, cameras, records, notices, at_ms)
        families = [
            *_of_cameras(found),
            _dropped(dict(zip((camera.id for camera in cameras), records, strict=True))),
            _open_alerts(found, opened),
            *_of_webhooks(webhooks),
            _gauge("websocket_clients", "Clients of the WebSockets", ["topic"], context.hub.clients_by_topic().items()),
            *_of_workers(beats),
            _gauge("workers", "Living workers", ["role"], _counted(beat.role for beat in beats).items()),
        ]
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Snapshot(families))
        return generate_latest(registry)

    # In a thread: with a thousand cameras it takes a second, in which others are to be answered.
    return PlainTextResponse(await asyncio.to_thread(text), media_type=CONTENT_TYPE_PLAIN_0_0_4)


class _Snapshot:
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = list(families)

    def collect(self) -> Iterable[Metric]:
        return self._families


def _of_cameras(found: list[CameraStatus]) -> Iterable[Metric]:
    yield _counter("frames_captured", "Frames sampled", ((s.camera_id, s.frames.captured) for s in found))
    yield _counter("frames_scored", "Frames scored", ((s.camera_id, s.frames.scored) for s in found))
    yield _counter("decode_errors", "Frames that could not be decoded", _captures(found, "decode_errors"))
    yield _counter("reconnects", "Connections made anew", _captures(found, "reconnects"))
    yield _counter("frames_lost", "Frames that Redis lost, or the record of them", (
        (s.camera_id, s.frames.lost) for s in found
    ))  # fmt: skip
    unaccounted = ((s.camera_id, s.frames.unaccounted) for s in found)
    yield _gauge("frames_unaccounted", "Captured frames that are nowhere: 0, or a defect", ["camera"], unaccounted)
    yield _gauge("analysis_fps", "Frames analysed a second at present", ["camera"], _rates(found, "analysis_fps"))
    yield _gauge("configured_fps", "Frames to be analysed a second", ["camera"], _rates(found, "configured_fps"))
    queue = ((s.camera_id, s.frames.in_queue) for s in found)
    yield _gauge("queue_frames", "Frames waiting to be scored", ["camera"], queue)
    lag = ((s.camera_id, s.lag_s) for s in found if s.lag_s is not None)
    yield _gauge("lag_seconds", "From capture to score, last frame", ["camera"], lag)
    age = ((s.camera_id, s.score_age_s) for s in found if s.score_age_s is not None)
    yield _gauge("score_age_seconds", "Since the last score", ["camera"], age)
    score = ((s.camera_id, s.last_score.score) for s in found if s.last_score is not None)
    yield _gauge("score", "The last score, 0 to 1", ["camera"], score)
    yield _state("capture_state", "State of the capture: 1 for the present one", list(CaptureState), [
        (s.camera_id, s.capture.state) for s in found if s.capture
    ])  # fmt: skip
    yield _state("health", "Health of the camera: 1 for the present one", list(Health), [
        (s.camera_id, s.health) for s in found
    ])  # fmt: skip


def _dropped(records: Mapping[str, CameraRecord]) -> Metric:
    family = CounterMetricFamily("patchwatch_frames_dropped", "Frames not scored", labels=["camera", "reason"])
    for camera_id, record in records.items():
        for reason, count in record.account.committed.items():
            family.add_metric([camera_id, reason], count)
    return family


def _open_alerts(found: list[CameraStatus], open_by_camera: Mapping[tuple[str, AlertKind], int]) -> Metric:
    family = GaugeMetricFamily("patchwatch_open_alerts", "Alerts that are open", labels=["camera", "kind"])
    for status in found:
        for kind in AlertKind:
            family.add_metric([status.camera_id, kind.value], open_by_camera.get((status.camera_id, kind), 0))
    return family


def _of_webhooks(found: list[WebhookView]) -> Iterable[Metric]:
    for name, text in _WEBHOOK_COUNTS.items():
        family = CounterMetricFamily(f"patchwatch_webhook_{name}", text, labels=["webhook"])
        for view in found:
            family.add_metric([view.id], getattr(view, name))
        yield family
    for name, text in _WEBHOOK_GAUGES.items():
        yield _gauge(f"webhook_{name}", text, ["webhook"], ((view.id, getattr(view, name)) for view in found))
    failing = ((view.id, float(view.health not in (WebhookHealth.OK, WebhookHealth.DISABLED))) for view in found)
    yield _gauge("webhook_failing", "1 while a webhook that is on does not deliver", ["webhook"], failing)


def _of_workers(beats: Sequence[Heartbeat]) -> Iterable[Metric]:
    """Zero where the networks run as fast as they can."""
    inference = [(f"{beat.host}:{beat.pid}", beat) for beat in beats if beat.role == Role.INFERENCE.value]
    failed = ((worker, beat.failed_graphs) for worker, beat in inference)
    yield _gauge("failed_cuda_graphs", "Batch sizes that could not be recorded for the GPU", ["worker"], failed)
    eager = ((worker, beat.eager_pictures) for worker, beat in inference)
    yield _gauge("eager_pictures", "Pictures that passed a network without a CUDA graph", ["worker"], eager)


def _captures(found: list[CameraStatus], field: str) -> Iterable[tuple[str, float]]:
    return ((status.camera_id, getattr(status.capture, field)) for status in found if status.capture)


def _rates(found: list[CameraStatus], field: str) -> Iterable[tuple[str, float]]:
    return ((camera_id, fps) for camera_id, fps in _captures(found, field) if fps is not None)


def _counter(name: str, text: str, rows: Iterable[tuple[str, float]]) -> Metric:
    family = CounterMetricFamily(f"patchwatch_{name}", text, labels=["camera"])
    for camera_id, value in rows:
        family.add_metric([camera_id], value)
    return family


def _gauge(name: str, text: str, labels: list[str], rows: Iterable[tuple[str, float]]) -> Metric:
    family = GaugeMetricFamily(f"patchwatch_{name}", text, labels=labels)
    for label, value in rows:
        family.add_metric([label], value)
    return family


def _state(name: str, text: str, states: list[str], rows: list[tuple[str, str]]) -> Metric:
    family = GaugeMetricFamily(f"patchwatch_{name}", text, labels=["camera", "state"])
    for camera_id, present in rows:
        for state in states:
            family.add_metric([camera_id, str(state)], float(state == present))
    return family


def _counted(names: Iterable[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    return counts
