"""What a machine may lack is reached through one door, which skips or fails; nobody finds another way in."""

from __future__ import annotations

import multiprocessing
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import parts
import pytest

TESTS = Path(__file__).parent
# Ways past the doors of `parts`: by path, by looking oneself.
_PAST = re.compile(
    r"/usr/bin/|importorskip|shutil\.which|find_spec\(\"(?:torch|open_clip|ultralytics)"
    r"|[\[(,] *\"(?:redis|valkey)-server\""
    r"|\.launch\((?!executable_path=parts\.)"
)

DOORS = [parts.ffmpeg, parts.gst_launch, parts.gst_python, parts.chromium, parts.nginx, parts.torch, parts.data]
PROGRAMS = ["ffmpeg", "/usr/local/bin/ffmpeg", "gst-launch-1.0", Path("/x/chromium"), b"ffprobe"]


@pytest.fixture(autouse=True)
def _a_machine_with_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "present", lambda part: False)


@pytest.mark.parametrize("door", DOORS)
def test_an_absent_part_skips(door: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PATCHWATCH_REQUIRE", raising=False)
    with pytest.raises(pytest.skip.Exception, match="is absent"):
        door()


@pytest.mark.parametrize("door", DOORS)
def test_an_absent_part_that_is_required_fails(door: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATCHWATCH_REQUIRE", ",".join(parts.PARTS))
    with pytest.raises(pytest.fail.Exception, match="is required here"):
        door()


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_cannot_be_started_past_its_door(program: str | bytes | Path) -> None:
    with pytest.raises(AssertionError, match="take it from `parts`"):
        subprocess.run([program, "-version"])
    with pytest.raises(AssertionError, match="take it from `parts`"):
        subprocess.run(["/bin/env", program, "-version"])


def test_a_program_that_came_through_its_door_is_started(tmp_path: Path) -> None:
    own = tmp_path / "ffmpeg"
    own.write_text("#!/bin/sh\nexit 7\n")
    own.chmod(0o700)
    assert subprocess.run([parts.Program(own)]).returncode == 7


def test_the_process_of_the_tests_is_not_copied() -> None:
    """A pool of copies hung, now and then, until the time limit of its test."""
    process = multiprocessing.get_context("fork").Process(target=print)
    with pytest.raises(AssertionError, match="may hang"):
        process.start()


def test_no_test_looks_past_the_doors() -> None:
    doors = {TESTS / "support" / "parts.py", Path(__file__)}
    result = {
        f"{path.relative_to(TESTS)}:{number}: {line.strip()}"
        for path in TESTS.rglob("*.py")
        if path not in doors
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if _PAST.search(line)
    }
    assert result == set()
