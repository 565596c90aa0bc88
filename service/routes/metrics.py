"""Figures for Prometheus, gathered from Redis at each scrape."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from patchwatch.messages.status import CaptureState
from service.context import In
from service.health import Health
from service.models import CameraStatus
from service.routes.status import statuses
from service.store.statuses import CameraRecord

router = APIRouter(tags=["health"])


@router.get("/metrics", summary="Prometheus metrics", response_class=PlainTextResponse)
async def metrics(context: In) -> PlainTextResponse:
    cameras = await context.store.cameras.all()
    found = await statuses(context, cameras)
    records = await context.store.statuses.read([camera.id for camera in cameras])
    beats = await context.store.statuses.beats()
    families = [
        *_of_cameras(found),
        _dropped(dict(zip((camera.id for camera in cameras), records, strict=True))),
        _open_alerts(found, await context.store.alerts.open_by_camera()),
        _gauge("websocket_clients", "Clients of the WebSockets", ["topic"], context.hub.clients_by_topic().items()),
        _gauge("workers", "Living workers", ["role"], _counted(beat.role for beat in beats).items()),
    ]
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Snapshot(families))
    return PlainTextResponse(generate_latest(registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)


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
        for reason, count in record.dropped_for_certain.items():
            family.add_metric([camera_id, reason], count)
    return family


def _open_alerts(found: list[CameraStatus], open_by_camera: dict[str, int]) -> Metric:
    counts = ((status.camera_id, open_by_camera.get(status.camera_id, 0)) for status in found)
    return _gauge("open_alerts", "Alerts that are open", ["camera"], counts)


def _captures(found: list[CameraStatus], field: str) -> Iterable[tuple[str, float]]:
    return ((status.camera_id, getattr(status.capture, field)) for status in found if status.capture)


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
