"""What an installation stored before can be read now: every kind of key, bank and report.

The files were written by another version; ``make.py`` beside this says how. Only `_product` names anything of the code.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
import tomllib
from collections.abc import Callable, Iterator
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
    as_bytes,
    fields_of,
    read_json,
    unpack_banks,
)

if TYPE_CHECKING:
    from patchwatch.messages.frames.frame import FrameGaps

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
    from patchwatch.messages.alerts.alert import Alert
    from patchwatch.messages.alerts.explanation import Explanation
    from patchwatch.messages.alerts.webhook import DeadLetter, Progress, TrialResult, Webhook
    from patchwatch.messages.banks.bank_version import BankAnswer, BankOrder, CameraBanks
    from patchwatch.messages.banks.enrolment import Enrolment
    from patchwatch.messages.banks.enrolment_report import EnrolmentReport
    from patchwatch.messages.cameras.analysis_status import AnalysisStatus
    from patchwatch.messages.cameras.camera import Camera
    from patchwatch.messages.cameras.capture_status import CaptureStatus
    from patchwatch.messages.frames.camera_time import Eras
    from patchwatch.messages.frames.frame import FrameGaps, FrameMessage
    from patchwatch.messages.frames.score import Score, ScoreMinute
    from patchwatch.messages.heartbeat import Heartbeat

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
        enrolment_report=EnrolmentReport, load_bank=load_bank, save_bank=save_bank,
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
# By which fields a record is known, and which fields have come since.
ADDED: list[tuple[set[str], dict[str, Any]]] = [
    ({"source", "pace", "loop"}, {"muted": [], "zones": [], "adopted": False}),
    ({"peak_at_ms", "bank_id"}, {"zones": []}),
    ({"opened_at_ms", "camera_id"}, {"provisional": False, "page_only": False}),
    ({"supported", "expected_low"}, {"provisional": False}),
    ({"role", "pid"}, {"memory_stretches": 0, "memory_dropped": {}}),
    (
        {"streams", "profile", "state", "device"},
        {"armed_for": [], "not_armed_for": [], "contexts": [], "overloaded": False},
    ),
    ({"attempts", "storing"}, {"from_memory": False, "by_itself": False}),
    ({"origin", "usable"}, {"chosen": False}),
    ({"by", "software"}, {"by_itself": False}),
]
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
    """A region has no version of its own any more: it is that of its message. What has come since has its default."""
    if isinstance(value, list):
        return [as_written_now(part) for part in value]
    if isinstance(value, dict):
        dropped = {"version"} if "x1" in value else set()
        added = {name: new for marks, fields in ADDED if marks <= value.keys() for name, new in fields.items()}
        return {name: as_written_now(part) for name, part in value.items() if name not in dropped} | added
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
    """A bank checks itself against its id; written again it is the same, each different exemplar once (format 3)."""
    again = tmp_path / "again.safetensors"
    _product().save_bank(_product().load_bank(banks / name), again)
    before, now = _contents(banks / name), _contents(again)
    assert now[0] == before[0] | {"format": 3}
    for rows in [name for name in now[1] if name.endswith(".rows")]:
        exemplars = rows.replace(".rows", ".exemplars")
        now[1][exemplars] = now[1][exemplars].astype(np.float32)[now[1].pop(rows)]
    assert now[1].keys() == before[1].keys()
    for name, tensor in before[1].items():
        assert tensor.dtype == now[1][name].dtype, name
        np.testing.assert_array_equal(tensor, now[1][name], name)


def _contents(path: Path) -> tuple[Any, dict[str, Any]]:
    with safe_open(path, "numpy") as file:
        return json.loads(file.metadata()["patchwatch"]), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


def test_an_enrolment_report_is_read_whole() -> None:
    report = read_json("enroll.json")["report"]
    now = _product().enrolment_report.model_validate(report).model_dump(mode="json")
    assert [stream.pop("anomaly") for stream in now["streams"]] == [None] * len(report["streams"])  # since then
    assert now.pop("contexts") is None  # since then, too
    assert now == report


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
