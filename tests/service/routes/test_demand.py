"""The demand as an autoscaler asks for it, while cameras come and go."""

from __future__ import annotations

import math

import httpx
from service_world import World


class Scaler:
    """Asks as KEDA's `metrics-api` scaler does, and follows as Kubernetes does: up at once, down to the most that was
    wanted in the last ``window`` answers, and between ``least`` and ``most``."""

    def __init__(self, api: httpx.AsyncClient, location: str, least: int, most: int, window: int) -> None:
        self._api, self._location, self._least, self._most, self._window = api, location, least, most, window
        self._wanted: list[int] = []
        self.replicas = least

    async def follow(self) -> int:
        answer = await self._api.get("/api/v1/demand", headers={"Accept": "application/json"})
        assert answer.status_code == 200
        value = answer.json()
        for step in self._location.split("."):
            value = value[step]
        wanted = math.ceil(float(value) / 1.0)  # targetValue 1, of the type AverageValue
        self._wanted = [*self._wanted[1 - self._window :], max(self._least, min(self._most, wanted))]
        self.replicas = max(self._wanted)
        return self.replicas


async def test_a_scaler_follows_the_load_up_and_down(api: httpx.AsyncClient, world: World) -> None:
    scaler = Scaler(api, "inference.workers", least=1, most=16, window=3)
    assert await scaler.follow() == 1
    for number in range(40):  # each takes a twentieth of a worker
        world.camera(f"c{number}", profile="motion")
        world.capture(f"c{number}", configured_fps=5.0, analysis_fps=2.5, load=0.02)
        world.analysis(f"c{number}", frame_load=0.01)
    assert await scaler.follow() == 3
    for number in range(40, 120):
        world.camera(f"c{number}", profile="motion")
    assert await scaler.follow() == 9  # of those that nobody has taken yet, it is assumed that they are as the others
    for number in range(10, 120):
        world.bus.hdel("pw:cameras", f"c{number}")
    assert [await scaler.follow() for _ in range(3)] == [9, 9, 1]


async def test_with_no_worker_alive_the_demand_stays(api: httpx.AsyncClient, world: World) -> None:
    for number in range(40):
        world.camera(f"c{number}", profile="motion")
        world.capture(f"c{number}", configured_fps=5.0, load=0.04)
        world.analysis(f"c{number}", frame_load=0.01)
    world.beat("inference", load=0.9)
    before = (await api.get("/api/v1/demand")).json()
    assert before["inference"]["alive"] == 1
    world.bus.delete("pw:worker:inference:w1")
    after = (await api.get("/api/v1/demand")).json()
    assert after["inference"] == {**before["inference"], "alive": 0}
    assert after["ingest"] == before["ingest"]
    assert after["ingest"]["workers"] == 3


async def test_the_metrics_say_the_same(api: httpx.AsyncClient, world: World) -> None:
    world.camera(profile="motion")
    world.capture(configured_fps=5.0, load=0.5)
    world.analysis(frame_load=0.25)
    world.beat("inference", load=0.9)
    text = (await api.get("/metrics")).text
    for line in (
        'patchwatch_demand_workers{role="inference"} 1.0',
        'patchwatch_demand_load{role="inference"} 1.25',
        'patchwatch_demand_full{role="inference"} 1.0',
        'patchwatch_demand_workers{role="ingest"} 1.0',
        'patchwatch_demand_limit{role="ingest"} 1.0',
        'patchwatch_worker_load{role="inference",worker="here:1"} 0.9',
    ):
        assert line in text
