"""A program of ours that the service asks something: a process of its own, which is killed when it takes too long.

So what loads networks, or reads what strangers send, does neither in the service.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Mapping, Sequence

from patchwatch.contract.errors import RetryableError

_MOST_BYTES = 4_000_000


async def answer_of(
    arguments: Sequence[str], environment: Mapping[str, str], *, within_s: float, question: bytes = b""
) -> bytes:
    """What ``python -m ARGUMENTS`` writes to its standard output, whatever its exit code.

    Raises `RetryableError` where it does not end in time, or writes nothing, or more than 4 MB.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", *arguments,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        env=dict(environment), process_group=0,
    )  # fmt: skip
    try:
        async with asyncio.timeout(within_s):
            answer = await _talk(process, question)
    except TimeoutError:
        raise RetryableError(f"it took longer than {within_s:.0f} s and was ended: try again later") from None
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
    if not answer or len(answer) > _MOST_BYTES:
        raise RetryableError("it ended without an answer: see whether the machine has memory left, and try again")
    return answer


async def _talk(process: asyncio.subprocess.Process, question: bytes) -> bytes:
    assert process.stdin is not None
    assert process.stdout is not None
    with contextlib.suppress(ConnectionError):  # it has ended already: its answer says why
        process.stdin.write(question)
        await process.stdin.drain()
    process.stdin.close()
    written = bytearray()
    while len(written) <= _MOST_BYTES and (chunk := await process.stdout.read(65_536)):
        written += chunk
    return bytes(written)
