"""`docs/reference/errors.md` and `docs/guides/cameras.md` name every code, check, reason and state that there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from starlette.exceptions import HTTPException

from patchwatch.contract import errors
from patchwatch.messages.alerts.alert import AlertKind
from patchwatch.messages.cameras.capture_status import Reason
from service.problems.errors import ForbiddenError, UnauthorizedError, status_of
from service.problems.refusal import TRY_AGAIN_LATER, close_code
from service.schemas.cameras.status import Health
from website import error_messages, websocket_reference

ROOT = Path(__file__).parents[2]
ERRORS = (ROOT / "docs" / "reference" / "errors.md").read_text()
CAMERAS = (ROOT / "docs" / "guides" / "cameras.md").read_text()
# Codes that Starlette's own answers have: of the router, and of the server of files.
ROUTER = {"method-not-allowed": 405, "range-not-satisfiable": 416, "not-found": 404}


def _rows(text: str, heading: str) -> dict[str, str]:
    """The first column of a table, and the second."""
    part = text.split(f"## {heading}\n")[1].split("\n## ")[0]
    return dict(re.findall(r"^\| `([a-z_-]+)` \| ([^|]+) \|", part, re.MULTILINE))


@pytest.fixture(scope="module")
def said() -> list[error_messages.Said]:
    """All messages: the whole code is read for them, once."""
    return [*error_messages.raised(), *error_messages.findings()]


def test_every_code_has_its_entry() -> None:
    raised = {kind.code for kind in error_messages.error_classes().values()}  # type: ignore[attr-defined]
    assert set(_rows(ERRORS, "Codes")) == raised | set(ROUTER)


def test_each_code_is_seen_with_the_status_that_the_service_answers() -> None:
    rows = _rows(ERRORS, "Codes")
    for kind in error_messages.error_classes().values():
        assert issubclass(kind, errors.PatchwatchError)
        stated = rows[kind.code].split(",")[0].strip()
        if stated.isdecimal():
            assert int(stated) == status_of(kind.__new__(kind)), kind.code
    for code, status in ROUTER.items():
        assert rows[code].strip() == str(status)
        assert HTTPException(status).detail.lower().replace(" ", "-").replace("requested-", "") == code


def test_every_check_of_the_doctor_has_its_entry() -> None:
    part = ERRORS.split("## `patchwatch doctor`\n")[1]
    cells = re.findall(r"^\| (`.+?`) \| ", part, re.MULTILINE)
    listed = {name.replace("ID", "…") for cell in cells for name in re.findall(r"`([^`]+)`", cell)}
    assert listed == error_messages.checks()


def test_every_reason_and_state_of_a_camera_has_its_entry() -> None:
    named = set(re.findall(r"^\| `([a-z_]+)` \|", CAMERAS, re.MULTILINE))
    states = {health.value for health in Health if health is not Health.OK}
    alerts = {kind.value for kind in AlertKind} - {AlertKind.ANOMALY, AlertKind.LASTING_CHANGE, AlertKind.ABSENCE}
    assert named == {reason.value for reason in Reason} | states | alerts


def test_every_code_a_websocket_closes_with_has_its_entry() -> None:
    rows = {int(code) for code in re.findall(r"^\| (\d{4}) \|", websocket_reference.page(), re.MULTILINE)}
    kinds = (UnauthorizedError, ForbiddenError, errors.RejectedError, errors.OverloadedError)
    refusals = {close_code(kind("refused")) for kind in kinds}
    assert rows == refusals | {TRY_AGAIN_LATER, 1000, 1011}


@pytest.mark.parametrize(
    "text",
    [
        "Redis does not answer (…): start it, or correct PATCHWATCH_REDIS_URL",
        "there is no camera",
        "no worker starts with these settings: set PATCHWATCH_PARTITIONS to …",
        "the set-up link is wrong, used or over an hour old",
    ],
)
def test_messages_of_errors_and_of_the_doctor_are_found_in_the_code(text: str, said: list[error_messages.Said]) -> None:
    assert any(text in one.text for one in said)


def test_every_message_stands_on_the_page(said: list[error_messages.Said]) -> None:
    lines = error_messages.page().count("\n- ")
    texts = {(one.under, one.text) for one in said}
    assert lines > 500
    assert lines <= len(texts)
