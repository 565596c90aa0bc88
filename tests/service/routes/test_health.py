from __future__ import annotations

import time

import httpx
from service_world import World

from patchwatch.contract.settings import Settings
from patchwatch.messages.alerts.alert import AlertState
from patchwatch.messages.cameras.capture_status import CaptureState
from service.app import create_app


async def test_ready_means_redis_and_both_workers(api: httpx.AsyncClient, world: World) -> None:
    assert (await api.get("/healthz")).status_code == 200
    world.beat("ingest")
    answer = await api.get("/readyz")
    assert answer.status_code == 503
    assert "patchwatch run inference" in answer.json()["detail"]
    world.beat("inference")
    assert (await api.get("/readyz")).json()["status"] == "ready"


async def test_without_redis_the_service_is_alive_but_not_ready() -> None:
    app = create_app(Settings(redis_url="redis://:hunter2@127.0.0.1:1/0"))
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as api:
        assert (await api.get("/healthz")).status_code == 200
        for path in ("/readyz", "/api/v1/cameras", "/metrics"):
            answer = await api.get(path)
            assert answer.status_code == 503
            assert answer.json()["type"] == "urn:patchwatch:problem:bus-unavailable"
            assert "PATCHWATCH_REDIS_URL" in answer.json()["detail"]
            assert "hunter2" not in answer.text
    await app.state.context.store.bus.aclose()


async def test_metrics_cover_every_camera_and_hold_no_secret(api: httpx.AsyncClient, world: World) -> None:
    world.camera(source="rtsp://admin:hunter2@h/x")
    world.capture(state=CaptureState.LIVE, captured=12, reconnects=2)
    world.analysis()
    world.score(time.time_ns() // 1_000_000, value=0.25, seq=10)
    world.commit(10, [], {"scored": 9, "dropped:too_old": 1})
    world.frame(11)
    world.frame(12)
    world.alert(1000)
    world.alert(2000, state=AlertState.CLOSED)
    world.beat("inference", failed_graphs=2, eager_pictures=30, memory_stretches=7, memory_dropped={"disk": 3})
    text = (await api.get("/metrics")).text
    for line in (
        'patchwatch_frames_captured_total{camera="gate"} 12.0',
        'patchwatch_frames_scored_total{camera="gate"} 9.0',
        'patchwatch_frames_dropped_total{camera="gate",reason="too_old"} 1.0',
        'patchwatch_queue_frames{camera="gate"} 2.0',
        'patchwatch_lag_seconds{camera="gate"} 0.12',
        'patchwatch_score{camera="gate"} 0.25',
        'patchwatch_open_alerts{camera="gate",kind="anomaly"} 1.0',
        'patchwatch_open_alerts{camera="gate",kind="offline"} 0.0',
        'patchwatch_reconnects_total{camera="gate"} 2.0',
        'patchwatch_capture_state{camera="gate",state="live"} 1.0',
        'patchwatch_websocket_clients{topic="alerts"} 0.0',
        'patchwatch_failed_cuda_graphs{worker="here:1"} 2.0',
        'patchwatch_eager_pictures{worker="here:1"} 30.0',
        'patchwatch_memory_stretches_total{worker="here:1"} 7.0',
        'patchwatch_memory_dropped_total{reason="disk",worker="here:1"} 3.0',
    ):
        assert line in text
    assert "hunter2" not in text
