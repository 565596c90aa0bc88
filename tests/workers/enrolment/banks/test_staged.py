"""A bank that is being written is left alone, however the clock is set; what a killed process left goes."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from workers.enrolment.banks.staged import new_staged, sweep

_HOURS_S = 25 * 3600.0
OF_ANOTHER_MACHINE = "elsewhere-17-0a1b2c3d-4711-abcdef.staged"


@pytest.mark.parametrize("name", [None, OF_ANOTHER_MACHINE, "0123456789abcdef.staged"])
def test_a_clock_that_is_set_forward_makes_nothing_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str | None
) -> None:
    path = new_staged(tmp_path) if name is None else tmp_path / name
    path.write_bytes(b"half")
    sweep(tmp_path)
    honest = time.time
    monkeypatch.setattr("time.time", lambda: honest() + 400 * 86_400)
    sweep(tmp_path)
    assert path.exists()


def test_what_a_killed_process_left_goes_at_once(tmp_path: Path) -> None:
    code = "import sys, pathlib; from workers.enrolment.banks.staged import new_staged; "
    code += "new_staged(pathlib.Path(sys.argv[1])).write_bytes(b'half')"
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, cwd=Path(__file__).parents[3])
    assert len(list(tmp_path.iterdir())) == 1
    sweep(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_another_machine_left_goes_once_it_was_not_changed_for_a_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / OF_ANOTHER_MACHINE
    path.write_bytes(b"half")
    since_s = time.monotonic()
    for hours_s, text in ((0.0, b"half"), (_HOURS_S, b"more")):
        path.write_bytes(text)
        monkeypatch.setattr("time.monotonic", lambda now_s=since_s + hours_s: now_s)
        sweep(tmp_path)
        assert path.exists()
    monkeypatch.setattr("time.monotonic", lambda: since_s + 2 * _HOURS_S)
    sweep(tmp_path)
    assert not path.exists()
