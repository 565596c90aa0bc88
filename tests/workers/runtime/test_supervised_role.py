"""Within a limit of memory a role runs in a process of its own, and its parent says why it crashed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping

import pytest

from patchwatch.contract.errors import EXIT_STAYS
from patchwatch.contract.roles import Role
from workers.runtime.processes import supervised_role
from workers.runtime.processes.supervised_role import run_supervised


@pytest.fixture
def handlers() -> Iterator[None]:
    """The signal handlers of the test run come back."""
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.fixture
def role_is(handlers: None, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    def replace(script: str) -> None:
        monkeypatch.setattr(supervised_role, "role_command", lambda _: ["sh", "-c", script])

    return replace


def test_a_crash_is_one_line_that_names_memory_and_an_exit_code_that_stays(
    role_is: Callable[[str], None], caplog: pytest.LogCaptureFixture
) -> None:
    role_is("kill -SEGV $$")
    assert run_supervised(Role.INFERENCE) == EXIT_STAYS
    [record] = caplog.records
    assert record.message.startswith("inference ended: signal SIGSEGV: a native library crashed")
    assert "memory" in record.message


@pytest.mark.parametrize(
    ("script", "code", "lines"), [("exit 0", 0, 0), (f"exit {EXIT_STAYS}", EXIT_STAYS, 0), ("exit 1", 1, 1)]
)
def test_an_exit_code_is_passed_on_and_an_error_that_named_its_reason_is_not_told_twice(
    role_is: Callable[[str], None], caplog: pytest.LogCaptureFixture, script: str, code: int, lines: int
) -> None:
    role_is(script)
    assert run_supervised(Role.SERVICE) == code
    assert len(caplog.records) == lines


def supervised(script: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own: signals to the supervisor must not reach the tests."""
    code = (
        "import sys; from patchwatch.contract.roles import Role; "
        "from workers.runtime.processes import supervised_role as own; "
        f"own.role_command = lambda _: ['sh', '-c', {script!r}]; sys.exit(own.run_supervised(Role.SERVICE))"
    )
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)


def test_a_signal_is_passed_on() -> None:
    ended = supervised("trap 'exit 0' TERM; kill -TERM $PPID; while :; do sleep 0.05; done")
    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_role_that_is_stopped_before_it_listens_has_not_crashed() -> None:
    ended = supervised("kill -TERM $PPID; while :; do sleep 0.05; done")
    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_role_within_a_limit_that_is_far_too_low_ends_by_itself_with_one_line_about_memory(
    environment_of_a_role: Mapping[str, str],
) -> None:
    """Whether a library crashes, gives up or says so itself depends on the machine."""
    command = ["prlimit", "--as=209715200", sys.executable, "-P", "-m", "patchwatch", "run", "inference"]
    ended = subprocess.run(command, env=dict(environment_of_a_role), capture_output=True, text=True, timeout=120)
    assert ended.returncode in (1, 2)
    assert "memory" in ended.stderr.splitlines()[-1].lower()
    assert "Traceback" not in ended.stderr


@pytest.fixture
def environment_of_a_role(bus_url: str, tmp_path: object) -> dict[str, str]:
    return os.environ | {"PATCHWATCH_REDIS_URL": bus_url, "PATCHWATCH_DATA_DIR": str(tmp_path)}
