"""A process that dies by a signal is reported with what usually causes it, and with the limit it ran into."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys

import pytest

from workers.runtime.processes.exit_reason import address_space_limit_mb, exit_reason

LIMITED = resource.RLIM_INFINITY, resource.RLIM_INFINITY


@pytest.fixture
def unlimited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: LIMITED)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (1, "exit code 1"),
        (-signal.SIGSEGV, "SIGSEGV: a native library crashed, most often because it got no memory"),
        (-signal.SIGABRT, "SIGABRT: a native library crashed"),
        (-signal.SIGBUS, "SIGBUS: a native library crashed"),
        (-signal.SIGKILL, "SIGKILL: killed from outside, most often by the kernel because memory was used up"),
        (-signal.SIGILL, "SIGILL: this processor lacks an instruction"),
        (-signal.SIGTERM, "signal SIGTERM"),
        (-63, "signal 63"),
    ],
)
def test_a_signal_is_told_with_its_usual_cause(unlimited: None, code: int, words: str) -> None:
    assert words in exit_reason(code)
    assert "address space" not in exit_reason(code)


@pytest.mark.parametrize("code", [1, -signal.SIGSEGV])
def test_within_a_limit_the_limit_and_how_to_raise_it_are_told(monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (512 << 20, 512 << 20))
    assert "address space is limited to 512 MB" in exit_reason(code)
    assert "ulimit -v" in exit_reason(code)


@pytest.mark.parametrize("option", ["--as=1073741824", "--data=1073741824"])
def test_the_limit_is_that_of_this_process(option: str) -> None:
    code = "from workers.runtime.processes.exit_reason import address_space_limit_mb as limit; print(limit())"
    answer = subprocess.run(["prlimit", option, sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "1024"


def test_no_limit_is_none(unlimited: None) -> None:
    assert address_space_limit_mb() is None
