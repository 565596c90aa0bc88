from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from patchwatch.contract.bounds import LATEST_MS
from patchwatch.contract.timestamps import iso
from service.problems.errors import InvalidFieldsError
from service.rules.time_range import From, To, time_range_ms

START: TypeAdapter[Any] = TypeAdapter(From)
END: TypeAdapter[Any] = TypeAdapter(To)
NOON_MS = 1_767_268_800_000  # 2026-01-01T12:00:00Z


def _range_ms(from_: str, to: str = "") -> tuple[int | None, int | None]:
    return time_range_ms(START.validate_python(from_), END.validate_python(to))


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-01T12:00:00Z",
        "2026-01-01T13:00:00+01:00",
        "2026-01-01T13:00:00 01:00",  # a '+' arrives as a blank
        "2026-01-01T12:00",  # without a zone: UTC
        "2026-01-01T12",
        "20260101T120000Z",
        str(NOON_MS),
    ],
)
def test_a_time_is_iso_8601_or_milliseconds(text: str) -> None:
    assert _range_ms(text) == (NOON_MS, None)


def test_small_numbers_are_milliseconds_too() -> None:
    assert _range_ms("0", "1500") == (0, 1500)


def test_a_day_begins_at_its_first_millisecond_and_ends_at_its_last() -> None:
    assert _range_ms("2026-01-01", "2026-01-01") == (NOON_MS - 43_200_000, NOON_MS + 43_199_999)
    assert _range_ms("", "9999-12-31") == (None, LATEST_MS)


def test_an_empty_time_is_none() -> None:
    assert _range_ms("") == (None, None)


@pytest.mark.parametrize(
    "text",
    ["yesterday", "9" * 30, "9" * 5000, "-1", "1e3", "1969-12-31", "2026-13-01", "9999-12-31T23:59:59.9999Z", "12x"],
)
def test_anything_else_is_refused_with_advice(text: str) -> None:
    for adapter in (START, END):
        with pytest.raises(ValidationError, match=r"use ISO 8601 \(2026-11-23T08:00:00Z\) or epoch milliseconds"):
            adapter.validate_python(text)


def test_swapped_ends_are_refused() -> None:
    with pytest.raises(InvalidFieldsError, match=r"query\.from: lies after `to`"):
        _range_ms("2000", "1000")


@given(st.integers(0, 4_102_444_800_000))  # to the year 2100
def test_every_time_that_the_api_shows_is_accepted_in_a_query(at_ms: int) -> None:
    assert _range_ms(iso(at_ms), str(at_ms)) == (at_ms, at_ms)


@given(st.text(max_size=40))
def test_any_text_is_a_time_or_refused(text: str) -> None:
    for adapter in (START, END):
        with suppress(ValidationError):
            adapter.validate_python(text)
