"""Metrics for Prometheus, from what the API shows of cameras, webhooks and workers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import generate_latest

from patchwatch.contract.roles import Role
from patchwatch.messages.alerts.alert import AlertKind
from patchwatch.messages.alerts.evidence import EvidenceStatus
from patchwatch.messages.alerts.sentence import SentenceProgress
from patchwatch.messages.banks.arming import ArmingState
from patchwatch.messages.cameras.capture_status import CaptureState
from patchwatch.messages.heartbeat import Heartbeat
from service.presentation.channel_status import is_failing as channel_is_failing
from service.presentation.demand import RoleDemand
from service.presentation.reports.confirmed_share import confirmed_share
from service.presentation.webhook_status import is_failing
from service.schemas.alerts.channel import ChannelView
from service.schemas.alerts.webhook import WebhookView
from service.schemas.cameras.status import CameraStatus, CaptureView, Health
from service.store.cameras.statuses import CameraRecord

_WEBHOOK_COUNTS = {
    "delivered": "Alert changes delivered",
    "failed": "Attempts that failed",
    "dead": "Alert changes given up",
    "forgotten": "Dead letters removed to make room for newer ones",
    "missed": "Alert changes that left the queue before they were sent",
    "unreadable": "Queue entries that could not be read as an alert",
}
_WEBHOOK_GAUGES = {
    "pending": "Alert changes that wait to be sent or filtered out",
    "dead_letters": "Dead letters kept",
}
_EVIDENCE_COUNTS = {
    "ready": "Alerts whose evidence was stored",
    "missing": "Alerts of which there is no evidence",
    "removed": "Alerts whose evidence was removed by age or size",
    "failed": "Attempts to store evidence that failed",
}

_CHANNEL_COUNTS = {
    "delivered": "Messages that the service took",
    "failed": "Attempts that failed",
    "dead": "Messages given up",
    "forgotten": "Incidents that were never told of, because too many waited",
    "missed": "Alert changes that left the queue before they were looked at",
    "silenced": "Alerts that began while muted or outside the hours",
}


def render(families: Iterable[Metric]) -> bytes:
    """The text format of Prometheus."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Snapshot(families))
    return generate_latest(registry)


class _Snapshot:
    """A collector of metrics that were gathered before."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = list(families)

    def collect(self) -> Iterable[Metric]:
        return self._families


def camera_metrics(statuses: Sequence[CameraStatus]) -> Iterable[Metric]:
    """Per camera: frames by what became of them, lag, scores, and the states of capture and analysis."""
    yield from _frame_metrics(statuses)
    lags = ((s.camera_id, s.lag_s) for s in statuses)
    yield _camera_gauge("lag_seconds", "Seconds from capture to score, of the last frame that was scored", lags)
    ages = ((s.camera_id, s.score_age_s) for s in statuses)
    yield _camera_gauge("score_age_seconds", "Seconds since the last score", ages)
    scores = ((s.camera_id, s.last_score.score) for s in statuses if s.last_score is not None)
    yield _camera_gauge("score", "The last score, 0 to 1", scores)
    captures = ((s.camera_id, s.capture.state) for s in statuses if s.capture)
    yield _state("capture_state", "State of the capture: 1 for the present one", list(CaptureState), captures)
    health = ((s.camera_id, s.health) for s in statuses)
    arming = ((s.camera_id, s.arming.state) for s in statuses if s.arming.state)
    yield _state("arming_state", "How far normal is known: 1 for the present state", list(ArmingState), arming)
    remembered = ((s.camera_id, s.arming.remembered_s) for s in statuses)
    yield _camera_gauge("remembered_seconds", "Seconds that are remembered and can be learnt from", remembered)
    yield _state("health", "Health of the camera: 1 for the present one", list(Health), health)


def _frame_metrics(statuses: Sequence[CameraStatus]) -> Iterable[Metric]:
    yield _counter("frames_captured", "Frames sampled", ((s.camera_id, s.frames.captured) for s in statuses))
    yield _counter("frames_scored", "Frames scored", ((s.camera_id, s.frames.scored) for s in statuses))
    decode_errors = _captures(statuses, lambda capture: capture.decode_errors)
    yield _counter("decode_errors", "Frames that could not be decoded", decode_errors)
    reconnects = _captures(statuses, lambda capture: capture.reconnects)
    yield _counter("reconnects", "Reconnections to the camera", reconnects)
    lost = ((s.camera_id, s.frames.lost) for s in statuses)
    yield _counter("frames_lost", "Frames that Redis lost, or whose record it lost", lost)
    unaccounted = ((s.camera_id, s.frames.unaccounted) for s in statuses)
    text = "Captured frames that are not accounted for: always 0, unless Patchwatch has a defect"
    yield _camera_gauge("frames_unaccounted", text, unaccounted)
    analysed = _captures(statuses, lambda capture: capture.analysis_fps)
    yield _camera_gauge("analysis_fps", "Frames analysed per second at present", analysed)
    configured = _captures(statuses, lambda capture: capture.configured_fps)
    yield _camera_gauge("configured_fps", "Frames per second that should be analysed", configured)
    queued = ((s.camera_id, s.frames.in_queue) for s in statuses)
    yield _camera_gauge("queue_frames", "Frames waiting to be scored", queued)


def dropped_frames(records: Mapping[str, CameraRecord]) -> Metric:
    """``records``: by camera id."""
    family = CounterMetricFamily("patchwatch_frames_dropped", "Frames not scored", labels=["camera", "reason"])
    for camera_id, record in records.items():
        for reason, count in record.account.committed.items():
            family.add_metric([camera_id, reason], count)
    return family


def open_alerts(camera_ids: Iterable[str], counts: Mapping[tuple[str, AlertKind], int]) -> Metric:
    """``counts``: by camera id and kind."""
    family = GaugeMetricFamily("patchwatch_open_alerts", "Alerts that are open", labels=["camera", "kind"])
    for camera_id in camera_ids:
        for kind in AlertKind:
            family.add_metric([camera_id, kind.value], counts.get((camera_id, kind), 0))
    return family


def verdicts_on_alerts(records: Mapping[str, CameraRecord]) -> Iterable[Metric]:
    """``records``: by camera id."""
    family = GaugeMetricFamily(
        "patchwatch_alerts_reviewed", "Alerts by what operators said of them", labels=["camera", "verdict"]
    )
    for camera_id, record in records.items():
        for verdict, count in record.verdicts:
            family.add_metric([camera_id, verdict], count)
    yield family
    shares = ((camera_id, confirmed_share(record.verdicts)) for camera_id, record in records.items())
    text = "Share of alerts called right, of those called right or normal"
    confirmed = ((camera_id, share.share) for camera_id, share in shares if share)
    yield _camera_gauge("alerts_confirmed_share", text, confirmed)


def webhook_metrics(views: Sequence[WebhookView]) -> Iterable[Metric]:
    """Per webhook: deliveries by how they ended, and whether it fails at present."""
    for name, text in _WEBHOOK_COUNTS.items():
        family = CounterMetricFamily(f"patchwatch_webhook_{name}", text, labels=["webhook"])
        for view in views:
            family.add_metric([view.id], getattr(view, name))
        yield family
    for name, text in _WEBHOOK_GAUGES.items():
        yield _gauge(f"webhook_{name}", text, "webhook", ((view.id, getattr(view, name)) for view in views))
    failing = ((view.id, float(is_failing(view))) for view in views)
    yield _gauge("webhook_failing", "1 while an enabled webhook does not deliver", "webhook", failing)


def channel_metrics(views: Sequence[ChannelView]) -> Iterable[Metric]:
    """Per channel: messages by how they ended, and whether it fails at present."""
    for name, text in _CHANNEL_COUNTS.items():
        family = CounterMetricFamily(f"patchwatch_channel_{name}", text, labels=["channel"])
        for view in views:
            family.add_metric([view.id], getattr(view, name))
        yield family
    waiting = ((view.id, float(view.waiting)) for view in views)
    yield _gauge("channel_waiting", "Incidents that will be told of", "channel", waiting)
    failing = ((view.id, float(channel_is_failing(view))) for view in views)
    yield _gauge("channel_failing", "1 while an enabled channel does not get through", "channel", failing)


def sentence_metrics(progress: SentenceProgress | None) -> Iterable[Metric]:
    """Of generated sentences; nothing where none was ever asked for."""
    if progress is None:
        return
    outcomes = {
        "written": progress.delivered, "given_up": progress.dead, "limited": progress.limited,
        "late": progress.late, "without_picture": progress.without_picture,
    }  # fmt: skip
    family = CounterMetricFamily(
        "patchwatch_sentences", "Sentences about alerts by what became of them", labels=["outcome"]
    )
    for outcome, count in outcomes.items():
        family.add_metric([outcome], count)
    yield family
    failing = float(progress.streak > 0)
    yield GaugeMetricFamily("patchwatch_sentences_failing", "1 while the server that writes them fails", failing)


def evidence_metrics(status: EvidenceStatus | None, counts: Mapping[str, int]) -> Iterable[Metric]:
    """Of the evidence of alerts; nothing where none was ever recorded."""
    if status is None:
        return
    for name, text in _EVIDENCE_COUNTS.items():
        counter = CounterMetricFamily(f"patchwatch_evidence_{name}", text)
        counter.add_metric([], counts.get(name, 0))
        yield counter
    values = {
        "recording": ("Alerts whose evidence is being recorded", status.recording),
        "waiting": ("Bundles of evidence that wait for the store", status.waiting),
        "spool_bytes": ("Bytes of evidence that is recorded or waits", status.spool_bytes),
        "stored_bytes": ("Bytes of evidence in the store, at the last look", status.stored_bytes),
        "failing": ("1 while the store takes no evidence", status.failing_since_ms is not None),
    }
    for name, (text, value) in values.items():
        yield GaugeMetricFamily(f"patchwatch_evidence_{name}", text, float(value))


def websocket_clients(clients_by_topic: Mapping[str, int]) -> Metric:
    """How many clients listen to each topic."""
    return _gauge("websocket_clients", "Clients of the WebSockets", "topic", clients_by_topic.items())


def worker_metrics(heartbeats: Sequence[Heartbeat]) -> Iterable[Metric]:
    """The figures about networks are zero where the networks run as fast as they can."""
    inference = [(f"{beat.host}:{beat.pid}", beat) for beat in heartbeats if beat.role == Role.INFERENCE.value]
    failed = ((worker, beat.failed_graphs) for worker, beat in inference)
    yield _gauge("failed_cuda_graphs", "Batch sizes for which no CUDA graph could be recorded", "worker", failed)
    eager = ((worker, beat.eager_pictures) for worker, beat in inference)
    yield _gauge("eager_pictures", "Pictures that passed a network without a CUDA graph", "worker", eager)
    yield from _memory_metrics(inference)
    text = "Share of its capacity that a worker uses"
    load = GaugeMetricFamily("patchwatch_worker_load", text, labels=["role", "worker"])
    for beat in heartbeats:
        if beat.load is not None:
            load.add_metric([beat.role, f"{beat.host}:{beat.pid}"], beat.load)
    yield load
    yield _gauge("workers", "Workers that are alive", "role", Counter(beat.role for beat in heartbeats).items())


def demand_metrics(demands: Sequence[RoleDemand]) -> Iterable[Metric]:
    """How many workers the cameras need, by role."""
    rows = [(demand.role.value, demand) for demand in demands]
    text = "Workers that the cameras need at their configured rates"
    yield _gauge("demand_workers", text, "role", ((role, demand.workers) for role, demand in rows))
    text = "What the cameras take, in workers that are always busy"
    yield _gauge("demand_load", text, "role", ((role, demand.load) for role, demand in rows))
    text = "The most workers that can share the work"
    yield _gauge("demand_limit", text, "role", ((role, demand.limit) for role, demand in rows))
    text = "1 while as many workers as can share the work are not enough"
    yield _gauge("demand_full", text, "role", ((role, float(demand.full)) for role, demand in rows))


def _memory_metrics(beats: Sequence[tuple[str, Heartbeat]]) -> Iterable[Metric]:
    written = CounterMetricFamily("patchwatch_memory_stretches", "Stretches of normal remembered", labels=["worker"])
    text = "Stretches of normal that should have been remembered, and were not"
    dropped = CounterMetricFamily("patchwatch_memory_dropped", text, labels=["worker", "reason"])
    for worker, beat in beats:
        written.add_metric([worker], beat.memory_stretches)
        for reason, count in beat.memory_dropped.items():
            dropped.add_metric([worker, reason], count)
    return written, dropped


def _captures(
    statuses: Iterable[CameraStatus], value_of: Callable[[CaptureView], float | None]
) -> Iterable[tuple[str, float]]:
    """A value of each capture, by camera id, where it is known."""
    values = ((status.camera_id, value_of(status.capture)) for status in statuses if status.capture)
    return ((camera_id, value) for camera_id, value in values if value is not None)


def _counter(name: str, text: str, rows: Iterable[tuple[str, float]]) -> Metric:
    family = CounterMetricFamily(f"patchwatch_{name}", text, labels=["camera"])
    for camera_id, value in rows:
        family.add_metric([camera_id], value)
    return family


def _camera_gauge(name: str, text: str, rows: Iterable[tuple[str, float | None]]) -> Metric:
    return _gauge(name, text, "camera", ((camera_id, value) for camera_id, value in rows if value is not None))


def _gauge(name: str, text: str, label: str, rows: Iterable[tuple[str, float]]) -> Metric:
    family = GaugeMetricFamily(f"patchwatch_{name}", text, labels=[label])
    for label_value, value in rows:
        family.add_metric([label_value], value)
    return family


def _state(name: str, text: str, states: list[str], rows: Iterable[tuple[str, str]]) -> Metric:
    family = GaugeMetricFamily(f"patchwatch_{name}", text, labels=["camera", "state"])
    for camera_id, present in rows:
        for state in states:
            family.add_metric([camera_id, str(state)], float(state == present))
    return family
