from __future__ import annotations

from urllib.parse import urlencode

import httpx
import pytest
from service_world import World

from patchwatch.messages.frames.camera_time import Era, Eras
from patchwatch.messages.frames.score import Score

T0 = 1_767_225_600_000  # a whole minute: 2026-01-01T00:00:00Z


@pytest.fixture
def scored(world: World) -> World:
    world.camera()
    for number in range(10):
        world.score(T0 + number * 200, value=number / 10, seq=number + 1)
    return world


async def test_raw_scores_come_in_pages_without_gap_or_repeat(api: httpx.AsyncClient, scored: World) -> None:
    path = "/api/v1/cameras/gate/scores?from=2026-01-01T00:00:00Z&limit=4"
    seqs = []
    while path:
        page = (await api.get(path)).json()
        seqs += [point["seq"] for point in page["points"]]
        path = page["next"]
    assert seqs == list(range(1, 11))


async def test_a_raw_score_has_its_streams_and_region(api: httpx.AsyncClient, scored: World) -> None:
    query = {"from": str(T0 + 200), "to": str(T0 + 399)}
    (point,) = (await api.get("/api/v1/cameras/gate/scores", params=query)).json()["points"]
    assert point["t"] == "2026-01-01T00:00:00.200Z"
    assert point["score"] == 0.1
    assert point["driver"] == "motion"
    assert point["region"] == {"x1": 100, "y1": 50, "x2": 200, "y2": 150}
    assert point["streams"][1] == {"name": "local", "rarity": None}


async def test_frames_are_gathered_into_bins_of_seconds(api: httpx.AsyncClient, scored: World) -> None:
    query = {"from": str(T0), "to": str(T0 + 60_000), "resolution": "1"}
    points = (await api.get("/api/v1/cameras/gate/scores", params=query)).json()["points"]
    assert [(one["count"], one["peak"], round(one["mean"], 6)) for one in points] == [(5, 0.4, 0.2), (5, 0.9, 0.7)]


async def test_bins_come_in_pages_too(api: httpx.AsyncClient, scored: World) -> None:
    path = f"/api/v1/cameras/gate/scores?from={T0}&to={T0 + 9999}&resolution=0.4&limit=2"
    counts = []
    while path:
        page = (await api.get(path)).json()
        counts += [point["count"] for point in page["points"]]
        path = page["next"]
    assert counts == [2, 2, 2, 2, 2]


async def test_minutes_come_from_their_own_stream_and_the_running_one_from_frames(
    api: httpx.AsyncClient, scored: World
) -> None:
    scored.minute(T0 - 120_000, count=300, total=30.0, peak=0.5)
    scored.minute(T0 - 60_000, count=300, total=60.0, peak=0.7)
    query = {"from": str(T0 - 600_000), "to": str(T0 + 60_000), "resolution": "60"}
    points = (await api.get("/api/v1/cameras/gate/scores", params=query)).json()["points"]
    assert [(one["count"], round(one["mean"], 6), one["peak"]) for one in points] == [
        (300, 0.1, 0.5), (300, 0.2, 0.7), (10, 0.45, 0.9),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ({"from": "yesterday"}, "query.from"),
        ({"from": "2000", "to": "1000"}, "query.from"),
        ({"to": "9" * 30}, "query.to"),
        ({"resolution": "90"}, "query.resolution"),
        ({"resolution": "0"}, "query.resolution"),
        ({"resolution": "fine"}, "query.resolution"),
        ({"limit": "0"}, "query.limit"),
        ({"after": "x"}, "query.after"),
    ],
)
async def test_a_wrong_query_is_named(api: httpx.AsyncClient, scored: World, query: dict[str, str], place: str) -> None:
    answer = await api.get("/api/v1/cameras/gate/scores", params=query)
    assert answer.status_code == 422
    assert place in [field["location"] for field in answer.json()["errors"]]


@pytest.mark.parametrize("step_ms", [45_000, -45_000, 3_600_000, 400 * 86_400_000])
async def test_scores_are_found_by_the_wall_clock_at_their_capture(
    api: httpx.AsyncClient, world: World, step_ms: int
) -> None:
    """The clock was wrong for the middle three of nine frames. Their ids go on by the camera's own time."""
    world.camera()
    names, shown = world.keys_of("gate"), []
    for number in range(9):
        own_ms = T0 + number * 1000
        shown.append(own_ms + (step_ms if 3 <= number < 6 else 0))
        at_ns = shown[-1] * 1_000_000
        score = Score(number + 1, at_ns, at_ns, 0.5, 0.5, (), None, None)
        world.add(names.scores, score.encode(), f"{own_ms}-0")
    eras = Eras([Era(0, 0), Era(T0 + 3000, -step_ms), Era(T0 + 6000, 0)])
    world.bus.hset(names.state, "eras", eras.encode())
    path = "/api/v1/cameras/gate/scores"
    for seq, at_ms in enumerate(shown, 1):
        query = {"from": str(at_ms), "to": str(at_ms)}
        (point,) = (await api.get(path, params=query)).json()["points"]
        assert point["seq"] == seq
    ends = {"from": str(min(shown)), "to": str(max(shown))}
    seqs, page = [], f"{path}?{urlencode(ends)}&limit=2"
    while page:
        answer = (await api.get(page)).json()
        seqs += [point["seq"] for point in answer["points"]]
        page = answer["next"]
    assert seqs == list(range(1, 10))
    bins = (await api.get(path, params={**ends, "resolution": "1"})).json()["points"]
    assert [one["t"] for one in bins] == sorted(one["t"] for one in bins)
    assert sum(one["count"] for one in bins) == 9
