"""Runs the process that writes and sends one message, within a time, and however that ends."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys

from patchwatch.contract.child_environment import bare_environment
from patchwatch.contract.errors import InvalidMessageError, RetryableError
from patchwatch.notifier.protocol import READY, WRITTEN, MessageOrder, MessageReport

_STARTS_WITHIN_S = 60.0  # it loads a hundred services: a second, or many on a machine that is busy
_WRITES_WITHIN_S = 5.0
_REPORT_BYTES = 128 * 1024
_KILLED_WITHIN_S = 5.0


class NoAnswerError(RetryableError):
    """The process did not come to an end in time, and was ended."""


async def run_message(order: MessageOrder, timeout_s: float) -> MessageReport:
    """``timeout_s``: from when the process is ready. Raises `NoAnswerError`, and `RetryableError` if it breaks down."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "patchwatch.notifier.sender",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        limit=_REPORT_BYTES, env=_environment(), process_group=0,
    )  # fmt: skip
    try:
        return await _conversation(process, order, timeout_s)
    finally:
        await _end(process)


async def _conversation(process: asyncio.subprocess.Process, order: MessageOrder, timeout_s: float) -> MessageReport:
    try:
        await _start(process, order)
        line = await _line(process, _WRITES_WITHIN_S)
        if line is None:
            return MessageReport(fault=f"takes more than {_WRITES_WITHIN_S:g} s to fill", fault_field="body")
        if line == WRITTEN:
            line = await _line(process, timeout_s)
        if line is None:
            raise NoAnswerError(f"no answer within {timeout_s:g} s")
        return MessageReport.decode(line)
    except (InvalidMessageError, OSError, ValueError):
        raise RetryableError("the process that sends messages broke down") from None


async def _start(process: asyncio.subprocess.Process, order: MessageOrder) -> None:
    assert process.stdin is not None
    process.stdin.write(order.encode() + b"\n")
    if await _line(process, _STARTS_WITHIN_S) != READY:
        raise RetryableError("the process that sends messages does not start")


async def _line(process: asyncio.subprocess.Process, within_s: float) -> bytes | None:
    assert process.stdout is not None
    try:
        async with asyncio.timeout(within_s):
            return await process.stdout.readline()
    except TimeoutError:
        return None


async def _end(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    assert process.stdout is not None
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_KILLED_WITHIN_S):
            while await process.stdout.read(_REPORT_BYTES):  # asyncio notices the end only when the pipe is drained
                pass
            await process.wait()


def _environment() -> dict[str, str]:
    """No proxies, no passwords for other hosts (netrc), and certificates where SSL_CERT_FILE has them."""
    kept = bare_environment()
    kept.pop("HOME", None)
    trusted = {"REQUESTS_CA_BUNDLE": kept["SSL_CERT_FILE"]} if "SSL_CERT_FILE" in kept else {}
    return kept | trusted | {"NETRC": os.devnull, "NO_PROXY": "*"}
