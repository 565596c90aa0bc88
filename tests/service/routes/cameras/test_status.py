from __future__ import annotations

import time
from collections.abc import Callable

import httpx
import pytest
from service_world import World

from patchwatch.bus import keys
from patchwatch.bus.keys import LeaseKeys
from patchwatch.messages.cameras.analysis_status import AnalysisState
from patchwatch.messages.cameras.capture_status import CaptureState, Reason


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


async def test_a_healthy_camera_is_ok_and_its_frames_are_accounted_for(api: httpx.AsyncClient, world: World) -> None:
    world.camera()
    world.capture(captured=103, last_gap={"from_ms": 1000, "to_ms": 9000})
    world.analysis()
    world.score(_now_ms() - 300, seq=100)
    world.commit(100, [], {"scored": 95, "dropped:too_old": 3, "dropped:queue_full": 2})
    for seq in (101, 102, 103):
        world.frame(seq)
    status = (await api.get("/api/v1/cameras/gate/status")).json()
    assert (status["health"], status["reason"]) == ("ok", "")
    assert status["frames"] == {
        "captured": 103, "scored": 95, "dropped": {"queue_full": 2, "too_old": 3}, "in_queue": 3, "in_flight": 0,
        "unaccounted": 0, "balanced": True, "since": None, "lost": 0,
    }  # fmt: skip
    assert status["lag_s"] == 0.12
    assert status["last_gap"] == {"from": "1970-01-01T00:00:01.000Z", "to": "1970-01-01T00:00:09.000Z"}
    assert status["analysis"]["threshold_on"] == 0.6
    assert (await api.get("/api/v1/status")).json()["statuses"][0]["health"] == "ok"


async def test_the_status_names_the_workers_that_have_the_camera_now(api: httpx.AsyncClient, world: World) -> None:
    world.camera()
    nobody = (await api.get("/api/v1/cameras/gate/status")).json()
    assert (nobody["ingest_worker"], nobody["inference_worker"]) == (None, None)
    partition = world.keys_of("gate").partition
    world.bus.set(LeaseKeys.for_capture("gate", 16).lease, "nvr1-12-aa-3-bb:7", ex=60)
    world.bus.set(keys.lease(partition), "gpu-34-cc-5-dd:1", ex=60)
    status = (await api.get("/api/v1/cameras/gate/status")).json()
    assert (status["ingest_worker"], status["inference_worker"]) == ("nvr1-12-aa-3-bb", "gpu-34-cc-5-dd")


async def test_an_overloaded_camera_is_ok_and_says_at_what_rate_it_is_analysed(
    api: httpx.AsyncClient, world: World
) -> None:
    world.camera("gate")
    world.analysis()
    world.score(_now_ms())
    world.capture(analysis_fps=2.5, configured_fps=5.0)
    status = (await api.get("/api/v1/cameras/gate/status")).json()
    assert status["health"] == "ok"
    assert "analysed at 2.5 of 5 fps: the machine is overloaded" in status["reason"]
    assert (status["capture"]["analysis_fps"], status["capture"]["configured_fps"]) == (2.5, 5.0)
    metrics = (await api.get("/metrics")).text
    assert 'patchwatch_analysis_fps{camera="gate"} 2.5' in metrics
    assert 'patchwatch_configured_fps{camera="gate"} 5.0' in metrics
    world.capture(analysis_fps=5.0, configured_fps=5.0)
    assert (await api.get("/api/v1/cameras/gate/status")).json()["reason"] == ""
    world.analysis(overloaded=True)
    status = (await api.get("/api/v1/cameras/gate/status")).json()
    assert status["health"] == "ok"
    assert status["reason"].startswith("the machine is overloaded and drops frames unanalysed")
    assert "`patchwatch run inference` on another one too" in status["reason"]


async def test_frames_pushed_out_of_a_full_queue_are_dropped_before_the_worker_notices(
    api: httpx.AsyncClient, world: World
) -> None:
    world.camera()
    world.commit(100, [], {"scored": 98, "dropped:queue_full": 2})
    for seq in (141, 142, 143):
        world.frame(seq)
    expected = {"captured": 143, "scored": 98, "dropped": {"queue_full": 42}, "in_queue": 3, "balanced": True}
    assert (await api.get("/api/v1/cameras/gate/status")).json()["frames"].items() >= expected.items()
    metrics = (await api.get("/metrics")).text  # a counter must not fall: what the worker may yet score is left out
    assert 'patchwatch_frames_dropped_total{camera="gate",reason="queue_full"} 2.0' in metrics


async def test_frames_that_redis_never_had_do_not_wait_in_the_queue(api: httpx.AsyncClient, world: World) -> None:
    world.camera()
    world.capture(captured=120, unpublished=20)
    world.commit(99, [], {"scored": 99})
    world.frame(100)
    expected = {"captured": 120, "scored": 99, "dropped": {"unpublished": 20}, "in_queue": 1, "balanced": True}
    assert (await api.get("/api/v1/cameras/gate/status")).json()["frames"].items() >= expected.items()


async def test_a_missing_frame_is_unaccounted(api: httpx.AsyncClient, world: World) -> None:
    world.camera()
    world.commit(100, [], {"scored": 99})
    result = (await api.get("/api/v1/cameras/gate/status")).json()["frames"]
    assert (result["unaccounted"], result["balanced"]) == (1, False)
    assert 'patchwatch_frames_unaccounted{camera="gate"} 1.0' in (await api.get("/metrics")).text


def _nothing(world: World) -> None: ...


def _silent_ingest(world: World) -> None:
    world.capture(updated_at_ms=_now_ms() - 60_000)


def _wrong_password(world: World) -> None:
    world.capture(state=CaptureState.FAILED, reason=Reason.AUTH, detail="wrong password", updated_at_ms=1)


def _offline(world: World) -> None:
    world.capture(state=CaptureState.OFFLINE, reason=Reason.REFUSED)


def _no_inference(world: World) -> None:
    world.capture()


def _no_bank(world: World) -> None:
    world.capture()
    world.analysis(state=AnalysisState.NO_BANK)


def _bank_rejected(world: World) -> None:
    world.capture()
    world.analysis(state=AnalysisState.BANK_REJECTED, detail="backbone differs")


def _old_score(world: World) -> None:
    world.capture()
    world.analysis()
    world.score(_now_ms() - 60_000)


@pytest.mark.parametrize(
    ("arrange", "health", "word"),
    [
        (_nothing, "unattended", "patchwatch run ingest"),
        (_silent_ingest, "unattended", "patchwatch run ingest"),
        (_wrong_password, "failed", "auth: wrong password"),
        (_offline, "offline", "refused"),
        (_no_inference, "unattended", "patchwatch run inference"),
        (_no_bank, "no_bank", "patchwatch banks enrol --camera gate"),
        (_bank_rejected, "bank_rejected", "backbone differs"),
        (_old_score, "stale", "s old: is `patchwatch run inference` running"),
    ],
)
async def test_a_camera_that_is_not_scored_says_why(
    api: httpx.AsyncClient, world: World, arrange: Callable[..., None], health: str, word: str
) -> None:
    world.camera(self_arm=False)
    arrange(world)
    status = (await api.get("/api/v1/cameras/gate/status")).json()
    assert status["health"] == health
    assert word in status["reason"]


async def test_random_weights_are_labelled(api: httpx.AsyncClient, world: World) -> None:
    world.camera()
    world.capture()
    world.analysis(random_weights=True)
    assert (await api.get("/api/v1/cameras/gate/status")).json()["random_weights"] is True


async def test_a_camera_with_unverified_tls_says_so_while_it_is_ok(api: httpx.AsyncClient, world: World) -> None:
    world.camera(source="rtsps://camera.example/x", tls_verify=False)
    world.capture(captured=1, tls="unverified")
    world.analysis()
    world.score(_now_ms() - 300, seq=1)
    status = (await api.get("/api/v1/cameras/gate/status")).json()
    assert status["health"] == "ok"
    assert status["reason"].startswith("unverified TLS: ")
    assert status["capture"]["tls"] == "unverified"


@pytest.mark.parametrize("wrong_s", [45.0, -45.0, 400 * 86_400.0, -400 * 86_400.0])
async def test_the_clock_of_the_services_host_does_not_matter(
    api: httpx.AsyncClient, world: World, monkeypatch: pytest.MonkeyPatch, wrong_s: float
) -> None:
    world.camera()
    world.capture(captured=1)
    world.analysis()
    world.score(_now_ms() - 300, seq=1)
    honest = time.time_ns
    monkeypatch.setattr("patchwatch.bus.clock.time.time_ns", lambda: honest() + round(wrong_s * 1e9))
    assert (await api.get("/api/v1/cameras/gate/status")).json()["health"] == "ok"
    assert len((await api.get("/api/v1/cameras/gate/scores")).json()["points"]) == 1
