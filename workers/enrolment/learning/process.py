"""Runs the process that learns a bank, and ends it when it makes no progress."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

from pydantic_settings import BaseSettings

from patchwatch.contract.child_environment import computing_environment
from patchwatch.contract.errors import InvalidMessageError, PatchwatchError, RetryableError, SourceUnavailableError
from patchwatch.contract.setting_parts.enrolment_settings import EnrolmentSettings
from patchwatch.contract.setting_parts.inference_settings import InferenceSettings
from patchwatch.contract.setting_parts.ingest_settings import IngestSettings
from patchwatch.contract.setting_parts.installation_settings import InstallationSettings
from patchwatch.contract.settings import Settings, secret_names
from patchwatch.messages.cameras.capture_status import Reason
from patchwatch.messages.cameras.source import redact
from workers.enrolment.learning.error_tail import ErrorTail
from workers.enrolment.learning.protocol import LearningOrder, LearningReport, ReportKind
from workers.runtime.processes.exit_reason import exit_reason
from workers.runtime.processes.process_usage import cpu_seconds

_TICK_S = 0.25
# So long between two ticks means that our own process was suspended meanwhile.
_SUSPENDED_S = 5.0
# A process that computes without a report for so long has stalled, unless it used this much processor time.
_STALLED_AFTER_S = 300.0
_STALLED_CPU_S = 1.0
_KILLED_WITHIN_S = 5.0
_LINE_BYTES = 65_536  # a report is far shorter
_PARTS: tuple[type[BaseSettings], ...] = (InstallationSettings, IngestSettings, InferenceSettings, EnrolmentSettings)

Progress = Callable[[float, str], None]


class LearningStoppedError(Exception):
    """The caller asked to stop."""


def learn_in_process(
    order: LearningOrder,
    settings: Settings,
    *,
    progress: Progress = lambda share, what: None,
    stopping: Callable[[], bool] = lambda: False,
) -> None:
    """Return once the bank stands at ``order.staged``. ``progress`` may raise to give up.

    Raises what learning failed with, `SourceUnavailableError` when a file or a camera stops answering, and
    `LearningStoppedError`.
    """
    with _started(order, settings) as process:
        assert process.stderr is not None
        error_tail = ErrorTail(process.stderr)
        progress_check = _ProgressCheck(process.pid, settings.enrolment_timeout_s)
        for line in _lines(process):
            if stopping():
                raise LearningStoppedError
            if line is not None and (report := _read(line)) is not None:
                if report.kind is ReportKind.DONE:
                    return
                if report.kind is ReportKind.FAILED:
                    raise report.error
                progress_check.reported(report)
                progress(report.share, report.what)
            progress_check.check()
        raise _ended_early(process, error_tail)


@contextlib.contextmanager
def _started(order: LearningOrder, settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    """The process, killed at the end. It also ends when its standard input does, as when we are killed."""
    inherited = () if order.live_descriptor is None else (order.live_descriptor,)
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "workers.enrolment.learning.learning"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0,
        env=_environment(settings), pass_fds=inherited, process_group=0,
    )  # fmt: skip
    try:
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it has ended already, and its exit code says why
            process.stdin.write(order.encode() + b"\n")
        yield process
    finally:
        process.kill()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        with contextlib.suppress(subprocess.TimeoutExpired):  # it hangs in a system call, and ends with that
            process.wait(_KILLED_WITHIN_S)


def _environment(settings: Settings) -> dict[str, str]:
    """What learning needs. No secret: the process decodes what strangers send, and foreign weights."""
    names = {name for part in _PARTS for name in part.model_fields}
    names -= {*secret_names(), "publish_username"}  # the name is refused without its password
    return computing_environment() | settings.variables(names)


def _lines(process: subprocess.Popen[bytes]) -> Iterator[bytes | None]:
    """The output of a process, line by line, and None while there is none, until it ends."""
    assert process.stdout is not None
    descriptor = process.stdout.fileno()
    rest = b""
    while True:
        readable, _, _ = select.select([descriptor], [], [], _TICK_S)
        if not readable:
            yield None
            continue
        chunk = os.read(descriptor, _LINE_BYTES)
        if not chunk:
            return
        *lines, rest = (rest + chunk).split(b"\n")
        rest = rest[-_LINE_BYTES:]
        yield from lines


def _read(line: bytes) -> LearningReport | None:
    try:
        return LearningReport.decode(line)
    except InvalidMessageError:
        return None


def _ended_early(process: subprocess.Popen[bytes], error_tail: ErrorTail) -> PatchwatchError:
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_KILLED_WITHIN_S)
    return RetryableError(
        f"the process that learnt the bank {_how_it_ended(process.returncode, error_tail.last_line())}"
    )


def _how_it_ended(code: int | None, last_line: str) -> str:
    """How it ended and what to do, in full: whoever ran a command has no log to look into."""
    detail = f": {last_line}" if last_line else " without a message"
    if code == -signal.SIGKILL:
        return (
            "was killed: is the memory of this machine used up? End other programs, or give it less footage at once, "
            "and enrol again"
        )
    if code in (-signal.SIGTERM, -signal.SIGINT, -signal.SIGHUP):
        return f"was ended from outside ({signal.Signals(-code).name}): enrol again"
    if code is not None and code < 0:
        return (
            f"crashed ({exit_reason(code)}){detail}. Convert the recordings to H.264 with ffmpeg and enrol again; "
            "if it crashes with those too, `patchwatch doctor` checks the installation"
        )
    ended = "its exit code is not known" if code is None else exit_reason(code)
    return f"ended ({ended}){detail}. Let `patchwatch doctor` check the installation, and enrol again"


class _ProgressCheck:
    """Judges by the reports of a process, and by the processor time that it uses while it computes."""

    def __init__(self, pid: int, timeout_s: float) -> None:
        self._pid = pid
        self._timeout_s = timeout_s
        self._reading = ""
        self._reported_s = self._checked_s = time.monotonic()
        self._cpu_s = 0.0

    def reported(self, report: LearningReport) -> None:
        self._reading = report.reading
        self._reported_s = time.monotonic()

    def check(self) -> None:
        """Raises `SourceUnavailableError` or `RetryableError` when the process has stalled."""
        now_s = time.monotonic()
        if now_s - self._checked_s > _SUSPENDED_S:
            self._reported_s += now_s - self._checked_s
        self._checked_s = now_s
        silent_s = now_s - self._reported_s
        if self._reading and silent_s > self._timeout_s:
            raise SourceUnavailableError(
                f"{redact(self._reading)} did not answer for {self._timeout_s:.0f} s: is it on a network share that "
                "hangs, or on a broken disk? Repair that, or copy it to a folder of this machine, and enrol again",
                Reason.TIMEOUT,
            )
        if not self._reading and silent_s > _STALLED_AFTER_S:
            self._check_cpu()

    def _check_cpu(self) -> None:
        used_s = cpu_seconds(self._pid)
        if used_s is not None and used_s - self._cpu_s < _STALLED_CPU_S:
            raise RetryableError(
                f"learning made no progress for {_STALLED_AFTER_S:.0f} s and was ended: look at the device that it ran "
                "on (`nvidia-smi` for a GPU), or set PATCHWATCH_DEVICE=cpu, and enrol again"
            )
        self._cpu_s, self._reported_s = used_s or 0.0, time.monotonic()
