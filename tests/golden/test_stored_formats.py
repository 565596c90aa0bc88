"""What an installation stored before can be read now: every kind of key, bank and report, and every interface over it.

The files were written by another version; ``make.py`` beside this says how. Only `_product` names anything of the code.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
import tomllib
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import cache
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from safetensors import safe_open
from stored_installation import (
    CAMERA,
    GOLDEN,
    PROFILE,
    StoredInstallation,
    answer,
    as_bytes,
    fields_of,
    read_json,
    shape,
    stored,
    unpack_banks,
    websocket,
)

if TYPE_CHECKING:
    from patchwatch.messages.frame import FrameGaps

ROOT = GOLDEN.parents[1]
KEYS: dict[str, Any] = read_json("redis.json")
REST: list[dict[str, Any]] = read_json("rest.json")


def sure(gaps: FrameGaps | None) -> FrameGaps:
    assert gaps is not None
    return gaps


@cache
def _product() -> SimpleNamespace:
    """All that this file names of the product."""
    from models.banks.bank_file import load_bank, save_bank
    from patchwatch.evaluation.report.report import Report
    from patchwatch.local_redis.private_server import private_redis
    from patchwatch.messages.alert import Alert
    from patchwatch.messages.analysis_status import AnalysisStatus
    from patchwatch.messages.bank_version import BankAnswer, BankOrder, CameraBanks
    from patchwatch.messages.camera import Camera
    from patchwatch.messages.camera_time import Eras
    from patchwatch.messages.capture_status import CaptureStatus
    from patchwatch.messages.enrolment import Enrolment
    from patchwatch.messages.enrolment_report import EnrolmentReport
    from patchwatch.messages.explanation import Explanation
    from patchwatch.messages.frame import FrameGaps, FrameMessage
    from patchwatch.messages.heartbeat import Heartbeat
    from patchwatch.messages.score import Score, ScoreMinute
    from patchwatch.messages.webhook import DeadLetter, Progress, TrialResult, Webhook

    return SimpleNamespace(
        json={
            "pw:cameras": Camera, "pw:webhooks": Webhook, "pw:enrolments:records": Enrolment, "pw:banks": CameraBanks,
            "pw:banks:orders": BankOrder, "pw:banks:answer:TOKEN": BankAnswer, "pw:{N}:capture:CAMERA": CaptureStatus,
            "pw:{N}:analysis:CAMERA": AnalysisStatus, "pw:alert:ALERT": Alert, "pw:alerts a": Alert,
            "pw:alert:ALERT:explanation": Explanation,
            "pw:webhook:WEBHOOK:progress": Progress, "pw:webhook:WEBHOOK:dead d": DeadLetter,
            "pw:webhook:WEBHOOK:asked d": DeadLetter, "pw:webhook:WEBHOOK:answer:TOKEN": TrialResult,
            "pw:worker:ROLE:WORKER": Heartbeat, "pw:{N}:state:CAMERA explanation": Explanation,
        },
        frame=lambda entry, fields: sure(FrameGaps.from_fields(fields)).added_to(
            FrameMessage.decode(entry, fields).encode()
        ),
        score=lambda entry, fields: Score.decode(fields).encode(),
        minute=lambda entry, fields: ScoreMinute.decode(int(entry.split(b"-")[0]), fields).encode(),
        books=lambda data: sure(FrameGaps.decode(data)).encode(),
        eras=lambda data: Eras.from_record(data).encode(),
        report=lambda path: Report.read(path).as_json(),
        enrolment_report=EnrolmentReport, load_bank=load_bank, save_bank=save_bank, private_redis=private_redis,
    )  # fmt: skip


def kind_of(key: str) -> str:
    """A key without the ids in it."""
    text = re.sub(r"\{\d+\}", "{N}", key)
    for start, noun in (
        (r"pw:\{N\}:[a-z-]+", "CAMERA"), ("pw:alert", "ALERT"), ("pw:webhook", "WEBHOOK"),
        ("pw:enrolment", "ENROLMENT"), (".*:answer", "TOKEN"), ("pw:worker:[a-z]+", "WORKER"),
    ):  # fmt: skip
        text = re.sub(f"^({start}):[^:]+", rf"\1:{noun}", text)
    return re.sub(r"^pw:(worker|members):[a-z]+", r"pw:\1:ROLE", text)


# Messages in Redis ----------------------------------------------------------------------------------------------

KINDS = {
    "pw:partitions", "pw:cameras", "pw:cameras:revision", "pw:alerts", "pw:alerts:by-time", "pw:alerts:by-receipt",
    "pw:webhooks", "pw:webhooks:revision", "pw:enrolments:records", "pw:enrolments:latest", "pw:enrolments:pending",
    "pw:banks", "pw:banks:orders", "pw:banks:answer:TOKEN", "pw:profiles", "pw:{N}:frames:CAMERA",
    "pw:{N}:scores:CAMERA", "pw:{N}:minutes:CAMERA", "pw:{N}:state:CAMERA", "pw:{N}:counters:CAMERA",
    "pw:{N}:capture:CAMERA", "pw:{N}:analysis:CAMERA", "pw:{N}:lease", "pw:{N}:fence",
    "pw:{N}:capture-lease-request:CAMERA",
    "pw:{N}:capture-lease:CAMERA", "pw:{N}:capture-fence:CAMERA", "pw:members:ROLE", "pw:alert:ALERT",
    "pw:alert:ALERT:jpeg", "pw:alert:ALERT:explanation", "pw:webhook:WEBHOOK:progress", "pw:webhook:WEBHOOK:dead",
    "pw:webhook:WEBHOOK:asked", "pw:webhook:WEBHOOK:answer:TOKEN", "pw:webhook:WEBHOOK:lease",
    "pw:webhook:WEBHOOK:fence", "pw:enrolment:ENROLMENT:lease", "pw:enrolment:ENROLMENT:fence", "pw:worker:ROLE:WORKER",
}  # fmt: skip
STATE_FIELDS = {"seq", "commit", "books", "worker", "eras", "conditions", "boxes", "explanation"}
BINARY = {"pw:{N}:frames:CAMERA": "frame", "pw:{N}:scores:CAMERA": "score", "pw:{N}:minutes:CAMERA": "minute"}


def values_of(key: str) -> Iterator[tuple[str, bytes]]:
    """Every single value of a key, with the name of its kind; of hashes and streams that hold several, with the
    field's."""
    kind, value = kind_of(key), KEYS[key]["value"]
    match KEYS[key]["type"]:
        case "string":
            yield kind, as_bytes(value)
        case "list":
            yield from ((kind, as_bytes(one)) for one in value)
        case "hash":
            yield from (
                (kind if ":state:" not in kind else f"{kind} {name}", as_bytes(one)) for name, one in value.items()
            )
        case "stream":
            yield from ((f"{kind} {name}", as_bytes(one)) for _, fields in value for name, one in fields.items())


def test_a_value_of_every_kind_is_kept() -> None:
    assert {kind_of(key) for key in KEYS} >= KINDS
    (state,) = (key for key in KEYS if ":state:" in key)
    assert set(KEYS[state]["value"]) == STATE_FIELDS


def as_written_now(value: Any) -> Any:
    """A region has no version of its own any more: it is that of its message."""
    if isinstance(value, list):
        return [as_written_now(part) for part in value]
    if isinstance(value, dict):
        dropped = {"version"} if "x1" in value else set()
        return {name: as_written_now(part) for name, part in value.items() if name not in dropped}
    return value


@pytest.mark.parametrize("key", KEYS)
def test_json_messages_are_read_whole(key: str) -> None:
    """As today's code would write them, nothing of them is missing: it was read."""
    messages: dict[str, Any] = _product().json
    for kind, value in values_of(key):
        if kind in messages:
            assert json.loads(messages[kind].decode(value).encode()) == as_written_now(json.loads(value))


def test_every_json_message_was_read() -> None:
    seen = {kind for key in KEYS for kind, _ in values_of(key)}
    assert set(_product().json) <= seen


@pytest.mark.parametrize("key", [key for key in KEYS if kind_of(key) in BINARY])
def test_binary_messages_are_read_whole(key: str) -> None:
    rewritten: Callable[[bytes, dict[bytes, bytes]], dict[bytes, bytes]] = getattr(_product(), BINARY[kind_of(key)])
    assert KEYS[key]["value"]
    for entry_id, fields in KEYS[key]["value"]:
        assert rewritten(entry_id.encode(), fields_of(fields)) == fields_of(fields)


@pytest.mark.parametrize("field", ["books", "eras"])
def test_counts_and_times_in_the_state_are_read_whole(field: str) -> None:
    (state,) = (key for key in KEYS if ":state:" in key)
    value = as_bytes(KEYS[state]["value"][field])
    assert getattr(_product(), field)(value) == value


# Files ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def banks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpack_banks(tmp_path_factory.mktemp("golden") / "banks")


def test_a_bank_of_every_kind_of_stream_is_kept(banks: Path) -> None:
    facts, _ = _contents(banks / "every" / "all.safetensors")
    kinds = {stream["kind"] for stream in facts["profile"]["streams"]}
    assert kinds == {"motion", "velocity", "category", "local", "global"}


@pytest.mark.parametrize("name", ["every/all.safetensors", f"{CAMERA}/{PROFILE}.safetensors"])
def test_banks_are_read_whole(name: str, banks: Path, tmp_path: Path) -> None:
    """A bank checks itself against its id; written again it is the same."""
    again = tmp_path / "again.safetensors"
    _product().save_bank(_product().load_bank(banks / name), again)
    before, now = _contents(banks / name), _contents(again)
    assert now[0] == before[0]
    assert now[1].keys() == before[1].keys()
    for name, tensor in before[1].items():
        assert tensor.dtype == now[1][name].dtype, name
        np.testing.assert_array_equal(tensor, now[1][name], name)


def _contents(path: Path) -> tuple[Any, dict[str, Any]]:
    with safe_open(path, "numpy") as file:
        return json.loads(file.metadata()["patchwatch"]), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


def test_an_enrolment_report_is_read_whole() -> None:
    report = read_json("enroll.json")["report"]
    assert _product().enrolment_report.model_validate(report).model_dump(mode="json") == report


def test_an_evaluation_is_read_whole() -> None:
    assert _product().report(GOLDEN / "evaluation.json") == read_json("evaluation.json")


# The command line -----------------------------------------------------------------------------------------------

COMMANDS: dict[str, list[str]] = read_json("commands.json")


def command(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """Run the installed command in this process; its exit code."""
    entry: str = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]["patchwatch"]
    module, _, function = entry.partition(":")
    monkeypatch.setattr(sys, "argv", ["patchwatch", *words])
    monkeypatch.setenv("COLUMNS", "200")
    try:
        getattr(import_module(module), function)()
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


NOW = {"evaluate": "evaluate run"}  # where its options are shown; without `run` it takes them as before


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_still_answers(
    words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(monkeypatch, *NOW.get(words, words).split(), "--help") == 0
    text = capsys.readouterr().out
    missing = [option for option in COMMANDS[words] if not re.search(rf"(?<![\w-]){option}(?![\w-])", text)]
    assert missing == []


def test_a_stored_bank_can_be_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    unpack_banks(tmp_path / "banks")
    monkeypatch.setenv("PATCHWATCH_DATA_DIR", str(tmp_path))
    assert command(monkeypatch, "bank", "show", "every", "--profile", "all", "--json") == 0
    shown, known = json.loads(capsys.readouterr().out), read_json("enroll.json")
    assert {name: shown[name] for name in ("bank_id", "frames", "vectors", "threshold_on")} == {
        name: known[name] for name in ("bank_id", "frames", "vectors", "threshold_on")
    }


def test_a_report_can_be_shown_and_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(GOLDEN / "evaluation.json", tmp_path / "old.json")
    assert command(monkeypatch, "report", str(tmp_path / "old.json"), "--html", str(tmp_path / "old.html")) == 0
    assert "<html" in (tmp_path / "old.html").read_text()
    assert command(monkeypatch, "compare", str(tmp_path / "old.json"), str(tmp_path / "old.json")) == 0


# The service and the workers ------------------------------------------------------------------------------------

# What depends on the moment of asking, as the files age, and what is worded for people.
MOMENTARY = {"health", "score_age_s", "lag_s", "version", "positions", "heartbeat_s"}
WORDS = {"reason", "text", "warning", "warnings", "next_step", "title", "detail"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoredInstallation]:
    with _product().private_redis() as url, stored(url, tmp_path_factory.mktemp("stored"), KEYS) as made:
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
    assert_lasting(got["body"], expected["body"], known["path"])


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
    for known in REST:
        if known["method"] == "GET":
            continue
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
