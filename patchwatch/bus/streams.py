"""Redis streams: ids of their entries (``MILLISECONDS-NUMBER``), and XINFO of one that may not exist."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import redis

Entry: TypeAlias = tuple[bytes, dict[bytes, bytes]]
MAX_ALERT_CHANGES = 100_000  # kept in the stream of alerts, about


def entry_ms(entry_id: str) -> int:
    """The first part of an id: the time of writing, where Redis chose the id."""
    return int(entry_id.partition("-")[0])


def entry_order(entry_id: str) -> tuple[int, int]:
    """The sort key of an id within its stream."""
    milliseconds, _, number = entry_id.partition("-")
    return int(milliseconds), int(number)


@dataclass(frozen=True)
class StreamInfo:
    """What XINFO STREAM answers. ``added`` counts all entries ever added, ``length`` those that are still there."""

    length: int
    added: int
    last_id: str
    first_entry: Entry | None
    last_entry: Entry | None

    @classmethod
    def from_answer(cls, answer: Any) -> StreamInfo | None:
        """From the answer to an XINFO in a pipeline; None for a stream that does not exist.

        Raises the answer if it is any other error.
        """
        if isinstance(answer, redis.ResponseError) and "no such key" in str(answer):
            return None
        if isinstance(answer, Exception):
            raise answer
        return cls(
            length=answer["length"],
            added=answer["entries-added"],
            last_id=answer["last-generated-id"].decode(),
            first_entry=answer["first-entry"],
            last_entry=answer["last-entry"],
        )


def stream_info(client: Any, name: str) -> StreamInfo | None:
    """None for a stream that does not exist. Raises redis-py's errors."""
    try:
        answer = client.xinfo_stream(name)
    except redis.ResponseError as error:
        answer = error
    return StreamInfo.from_answer(answer)


async def stream_info_async(client: Any, name: str) -> StreamInfo | None:
    """As `stream_info`, with an asyncio client."""
    try:
        answer = await client.xinfo_stream(name)
    except redis.ResponseError as error:
        answer = error
    return StreamInfo.from_answer(answer)
