"""Records in Redis are read in one way, which damaged records cannot make fail."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from service_world import World

from patchwatch.bus import keys
from patchwatch.bus.keys import WebhookKeys

ROOT = Path(__file__).parents[3]
READERS = sorted([*(ROOT / "service").rglob("*.py"), *(ROOT / "workers" / "delivery").rglob("*.py")])


def bare_decodings(tree: ast.AST) -> Iterator[ast.Call]:
    """``Message.decode(...)`` called, where it is to be given to `readable` or `required`; in functions that are
    given to them themselves (their docstring says what they raise) it may be."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or node.func.attr != "decode":
            continue
        owner = node.func.value
        if isinstance(owner, ast.Name) and owner.id[0].isupper():
            yield node


def given_away(tree: ast.AST) -> set[str]:
    """Names of functions that are handed to `readable` or `required`."""
    return {
        node.args[0].id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        and node.func.id in ("readable", "required", "said")
        and node.args and isinstance(node.args[0], ast.Name)
    }  # fmt: skip


@pytest.mark.parametrize("path", READERS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_record_is_decoded_bare(path: Path) -> None:
    tree = ast.parse(path.read_text())
    guarded = given_away(tree)
    inside = {
        call
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef) and function.name in guarded
        for call in bare_decodings(function)
    }
    bare = [call.lineno for call in bare_decodings(tree) if call not in inside]
    assert not bare, f"lines {bare}: use patchwatch.bus.stored_records.readable or required"


SAID = ("CameraCorrections", "AlertVerdicts", "SiteBudget")  # by people
SHOWN = {  # where nothing is decided or written by it, or what cannot be read is told apart from nothing
    "service/store/alerts/verdicts.py", "service/store/cameras/hours.py", "workers/enrolment/recurrence/watch.py",
    "workers/enrolment/upkeep/allotter.py", "workers/enrolment/evidence/finisher.py",
}  # fmt: skip


def test_what_people_said_is_nowhere_taken_for_nothing() -> None:
    lenient = {
        str(path.relative_to(ROOT))
        for room in ("service", "workers", "patchwatch")
        for path in (ROOT / room).rglob("*.py")
        if any(f"readable({name}.decode" in path.read_text() for name in SAID)
    }
    assert lenient == SHOWN


WEBHOOK = {"id": "home", "url": "https://10.0.0.7/hook"}


async def created(api: httpx.AsyncClient) -> None:
    assert (await api.post("/api/v1/webhooks", json=WEBHOOK)).status_code == 201


@pytest.mark.parametrize("rubbish", [b"", b"{}", b"null", b"\xff\xfe", b'{"version": 99}', b"[" * 100_000])
async def test_a_damaged_progress_loses_only_its_counts(api: httpx.AsyncClient, world: World, rubbish: bytes) -> None:
    await created(api)
    world.camera()
    world.bus.set(WebhookKeys("home").progress, rubbish)
    for path in ("/metrics", "/api/v1/webhooks", "/api/v1/webhooks/home"):
        assert (await api.get(path)).status_code == 200
    for role in ("ingest", "inference"):
        world.beat(role)
    assert (await api.get("/readyz")).status_code == 200
    off_and_on = [await api.patch("/api/v1/webhooks/home", json={"enabled": value}) for value in (False, True)]
    assert [answer.status_code for answer in off_and_on] == [200, 200]


async def test_a_damaged_webhook_is_absent_and_can_be_removed(api: httpx.AsyncClient, world: World) -> None:
    await created(api)
    world.bus.hset(keys.WEBHOOKS, "home", b"rubbish")
    world.bus.hset(keys.WEBHOOKS, b"\xff", b"rubbish")
    assert (await api.get("/api/v1/webhooks")).json()["webhooks"] == []
    assert (await api.get("/metrics")).status_code == 200
    for answer in (
        await api.get("/api/v1/webhooks/home"),
        await api.patch("/api/v1/webhooks/home", json={"enabled": False}),
        await api.post("/api/v1/webhooks/home/secret"),
        await api.post("/api/v1/webhooks/home/test"),
    ):
        assert answer.status_code == 404
        assert "cannot be read" in answer.json()["detail"]
    assert (await api.delete("/api/v1/webhooks/home")).status_code == 204
    await created(api)


async def test_a_damaged_dead_letter_is_left_out(api: httpx.AsyncClient, world: World) -> None:
    await created(api)
    for fields in ({b"d": b"rubbish"}, {b"x": b"y"}):
        world.add(WebhookKeys("home").dead, fields)
    answer = await api.get("/api/v1/webhooks/home/dead")
    assert (answer.status_code, answer.json()["dead_letters"]) == (200, [])
    assert (await api.post("/api/v1/webhooks/home/dead/retry", json={})).json()["queued"] == 1
