"""What an earlier version stored is shown by every interface as it was, and scoring goes on from it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from stored_installation import (
    CAMERA,
    StoredInstallation,
    answer,
    read_json,
    shape,
    stored,
    websocket,
)

from patchwatch.local_redis.private_server import private_redis

if TYPE_CHECKING:
    pass


KEYS: dict[str, Any] = read_json("redis.json")


REST: list[dict[str, Any]] = read_json("rest.json")


# What depends on the moment of asking, as the files age, and what is worded for people.
MOMENTARY = {"health", "score_age_s", "lag_s", "version", "positions", "heartbeat_s"}


WORDS = {"reason", "text", "warning", "warnings", "next_step", "title", "detail"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoredInstallation]:
    with private_redis() as url, stored(url, tmp_path_factory.mktemp("stored"), KEYS) as made:
        yield made


@pytest.fixture(scope="module")
def host(site: StoredInstallation) -> str:
    return site.serve()


@pytest.mark.parametrize(
    "known", [known for known in REST if known["method"] == "GET"], ids=lambda known: known["path"].split("?")[0]
)
def test_every_get_answers_as_before(known: dict[str, Any], host: str) -> None:
    got = answer(host, "GET", known["path"])
    expected = known["answer"]
    assert (got["status"], got["type"]) == (expected["status"], expected["type"])
    body = got["body"]
    if known["path"] == "/metrics":  # lines, of which there may be more than before
        body = [line for line in body if line in expected["body"]]
    assert_lasting(body, expected["body"], known["path"])


def assert_lasting(got: Any, expected: Any, where: str) -> None:
    """Nothing that was there is missing or of another type, and what does not depend on the moment is equal. More
    fields than before are no harm."""
    if isinstance(expected, dict):
        assert isinstance(got, dict), where
        assert expected.keys() <= got.keys(), where
        for name, value in expected.items():
            if name in MOMENTARY | WORDS or (name == "t" and expected.get("type") == "heartbeat"):
                assert shape(got[name]) == shape(value), f"{where}.{name}"
            else:
                assert_lasting(got[name], value, f"{where}.{name}")
    elif isinstance(expected, list):
        assert isinstance(got, list), where
        assert len(got) == len(expected), where
        for number, (one, other) in enumerate(zip(got, expected, strict=True)):
            assert_lasting(one, other, f"{where}[{number}]")
    else:
        assert same_instant(got) == same_instant(expected), where


def same_instant(value: Any) -> Any:
    """Times are compared as such: they were written as ``+00:00`` in places."""
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)", value):
        return datetime.fromisoformat(value)
    return value


@pytest.mark.parametrize("known", read_json("websockets.json"), ids=lambda known: known["path"].split("?")[0])
def test_websockets_send_what_they_sent_before(known: dict[str, Any], host: str) -> None:
    got = websocket(host, known["path"], len(known["messages"]))
    assert_lasting(got, known["messages"], known["path"])


def test_the_document_still_names_every_route(host: str) -> None:
    """An old route may be left out of it, as long as it answers: the tests of answers see to that."""
    document = answer(host, "GET", "/openapi.json")["body"]
    described = {(path, method) for path, methods in document["paths"].items() for method in methods}
    asked = {(_template(known["path"]), known["method"].lower()) for known in REST}
    before = {(path, method) for path, methods in read_json("openapi.json").items() for method in methods}
    assert before - described <= asked


def _template(path: str) -> str:
    """The route of a path, as the document of before names it."""
    known: dict[str, Any] = read_json("openapi.json")
    fits = [name for name in known if re.fullmatch(re.sub(r"\{[^}]*\}", "[^/]+", name), path.split("?")[0])]
    return min(fits, key=lambda name: name.count("{"), default="")


def test_every_route_was_asked() -> None:
    before = {(path, method) for path, methods in read_json("openapi.json").items() for method in methods}
    asked = {(_template(known["path"]), known["method"].lower()) for known in REST}
    assert before <= asked


def test_changes_answer_as_before(site: StoredInstallation, host: str) -> None:
    """The last of those that share the installation: it is another one afterwards."""
    changes = [known for known in REST if known["method"] != "GET"]
    unanswered = [known for known in changes if known["answer"]["status"] == 503]  # they wait for workers, and together
    with ThreadPoolExecutor(len(unanswered)) as threads:
        list(threads.map(partial(assert_answered_as_before, host), unanswered))
    for known in changes:
        if known not in unanswered:
            assert_answered_as_before(host, known)


def assert_answered_as_before(host: str, known: dict[str, Any]) -> None:
    got = answer(host, known["method"], known["path"], known["body"])
    expected = known["answer"]
    where = f"{known['method']} {known['path']}: {got}"
    assert (got["status"], got["type"]) == (expected["status"], expected["type"]), where
    assert_same_shape(shape(got["body"]), expected["body"], where)


def assert_same_shape(got: Any, expected: Any, where: str) -> None:
    if isinstance(expected, dict):
        assert isinstance(got, dict), where
        assert expected.keys() <= got.keys(), where
        for name, value in expected.items():
            assert_same_shape(got[name], value, f"{name} of {where}")
    else:
        assert type(got) is type(expected), where
        assert isinstance(got, list) or got == expected, where


def test_scoring_goes_on_where_it_stopped(bus_url: str, tmp_path: Path) -> None:
    """From the state of the last commit, with the stored bank: the frames that waited get the scores they got."""
    expected = read_json("continued.json")
    path = f"/api/v1/cameras/{CAMERA}/scores?from=2020-01-01T00:00:00Z&limit=10000"
    with stored(bus_url, tmp_path, KEYS) as made:
        host = made.serve()
        before = len(answer(host, "GET", path)["body"]["points"])
        made.score_the_queue()
        got = answer(host, "GET", path)["body"]["points"][before:]
        alerts = answer(host, "GET", "/api/v1/alerts")["body"]["alerts"]
    assert len(got) == len(expected) > 3
    for one, other in zip(got, expected, strict=True):
        assert one.pop("zones") == []  # since then
        assert one == {name: close(value) for name, value in other.items()}
    assert {alert for alert, _ in KEYS["pw:alerts:by-time"]["value"]} <= {alert["id"] for alert in alerts}


def close(value: Any) -> Any:
    """Another processor may round otherwise."""
    if isinstance(value, float):
        return pytest.approx(value, abs=1e-4)
    if isinstance(value, list):
        return [close(one) for one in value]
    if isinstance(value, dict):
        return {name: close(one) for name, one in value.items()}
    return value
