"""Every line has one form, and no credential comes through, not even in a traceback."""

from __future__ import annotations

import logging
import re
import sys

from patchwatch.logs import RedactingFormatter


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
    assert sys.exc_info() == (None, None, None)
