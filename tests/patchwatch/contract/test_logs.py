"""Every line has one form, and no credential comes through, not even in a traceback."""

from __future__ import annotations

import json
import logging
import re
import sys

import pytest

from patchwatch.contract.logs import JsonFormatter, about
from patchwatch.contract.redaction import RedactingFormatter


def line(message: str, *arguments: object, error: BaseException | None = None) -> str:
    exc_info = (type(error), error, error.__traceback__) if error else None
    record = logging.LogRecord("x", logging.WARNING, __file__, 1, message, arguments, exc_info)
    return RedactingFormatter("ingest").format(record)


def test_a_line_tells_time_level_and_role() -> None:
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z warning ingest: door is live", line("%s is live", "door")
    )


def test_no_credential_comes_through() -> None:
    shown = line("pulling %s", "rtsp://admin:hunter2@10.0.0.7/x")
    assert shown.endswith("pulling rtsp://***@10.0.0.7/x")


def test_none_comes_through_in_a_traceback() -> None:
    try:
        raise OSError("cannot open rtsp://admin:hunter2@10.0.0.7/x")
    except OSError as error:
        shown = line("capture failed", error=error)
    assert "hunter2" not in shown
    assert "OSError" in shown
    assert all(more.startswith("    ") for more in shown.splitlines()[1:])
    assert sys.exc_info() == (None, None, None)


@pytest.mark.parametrize(
    "letter", ["\n", "\r", "\x1b", "\x00", "\x07", "\x85", "\u2028", "\u202e", "\x9b", "\u200b", "\ud800"]
)
def test_a_strangers_words_cannot_pass_for_a_line_of_ours(letter: str) -> None:
    shown = line("a publisher says %s", f"1{letter}2026-01-31T12:00:00.123Z info ingest: all is well")
    assert letter not in shown
    assert len(shown.splitlines()) == 1
    assert shown.encode()  # can be written


def test_nor_can_the_words_of_an_exception() -> None:
    try:
        raise ValueError("odd\n2026-01-31T12:00:00.123Z info ingest: all is well\r\x1b[31m")
    except ValueError as error:
        shown = line("failed", error=error)
    assert [more for more in shown.splitlines()[1:] if not more.startswith("    ")] == []
    assert "\x1b" not in shown


def test_a_line_is_cut_in_its_middle() -> None:
    shown = line("%s", "a" * 100_000 + "the end")
    assert len(shown) < 5000
    assert "characters left out" in shown
    assert shown.endswith("the end")


def test_letters_of_other_languages_stay() -> None:
    assert line("%s", "Türe 入口 ж").endswith("Türe 入口 ж")


def test_as_json_a_record_names_its_camera_and_frame_and_holds_no_credential() -> None:
    try:
        raise ValueError("rtsp://admin:hunter2@10.0.0.7/x")
    except ValueError as error:
        exc_info = (type(error), error, error.__traceback__)
    record = logging.LogRecord(
        "workers.x", logging.ERROR, __file__, 1, "%s: \n%s", ("door", "rtsp://a:hunter2@h/x"), exc_info
    )
    record.__dict__.update(about("door", 7))
    text = JsonFormatter("ingest").format(record)
    assert "\n" not in text
    assert "hunter2" not in text
    entry = json.loads(text)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", entry.pop("at"))
    assert "ValueError" in entry.pop("traceback")
    assert entry == {
        "level": "error", "role": "ingest", "logger": "workers.x", "message": "door: \\nrtsp://***@h/x",
        "camera": "door", "frame": 7,
    }  # fmt: skip


def test_as_json_what_is_not_known_is_left_out() -> None:
    record = logging.LogRecord("x", logging.INFO, __file__, 1, "ready", (), None)
    assert json.loads(JsonFormatter("service").format(record)).keys() == {"at", "level", "role", "logger", "message"}
