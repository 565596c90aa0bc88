"""Writes to Redis: all of them or none, and such that its append-only file does not keep.

A transaction is optimistic (WATCH, read, MULTI, EXEC) and tried again when another client changed what was watched. The
``transaction`` method of redis-py does the same, but without a limit: a key that others change all the time would hold
its caller for ever.

Unlogged writes stay in memory and go to replicas. They are for data that is replaced several times a second and
worthless after a restart, above all the pictures of live cameras. It would be nearly all that Redis writes to its disk
(measured in docs/decisions/029).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from redis import WatchError

from patchwatch.contract.errors import ContentionError

# The append-only file only records that the id was used, so the stream has to exist already.
_ADD = """
if redis.call('GET', KEYS[2]) ~= ARGV[1] or redis.call('EXISTS', KEYS[1]) == 0 then return false end
redis.set_repl(redis.REPL_REPLICA)
redis.call('XADD', KEYS[1], 'MAXLEN', ARGV[2], ARGV[3], unpack(ARGV, 4))
redis.set_repl(redis.REPL_AOF)
redis.call('XSETID', KEYS[1], ARGV[3])
return redis.call('TIME')
"""
# Each command after its number of words, which is negative where it is not to be logged. A record that is not what it
# should be costs only itself, as in a transaction; what Redis refuses at the first command, nothing of it is written.
_WRITE = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return false end
local at, failed = 2, nil
while at < #ARGV do
  local words = tonumber(ARGV[at])
  redis.set_repl(words > 0 and redis.REPL_ALL or redis.REPL_REPLICA)
  local answer = redis.pcall(unpack(ARGV, at + 1, at + math.abs(words)))
  if type(answer) == 'table' and answer.err then
    if not (string.find(answer.err, '^WRONGTYPE') or string.find(answer.err, '^ERR')) then return answer end
    failed = failed or answer
  end
  at = at + 1 + math.abs(words)
end
return failed or 1
"""
_SET = """
redis.set_repl(redis.REPL_REPLICA)
redis.call('HSET', KEYS[1], unpack(ARGV))
"""

_GO_ON = "redis.call('XSETID', KEYS[1], ARGV[1], 'ENTRIESADDED', ARGV[2], 'MAXDELETEDID', ARGV[3])"

TRIES = 8  # a lease is renewed twice a second, which disturbs a transaction: two disturbances in a row are rare

T = TypeVar("T")


def transact(
    client: Any, attempt: Callable[[Any], T], *watched: str, subject: str = "the record", tries: int = TRIES
) -> T:
    """Run ``attempt(pipe)`` and execute what it queued: all of it, or nothing.

    ``attempt`` may watch more keys and read through ``pipe``; then it calls ``pipe.multi()`` and queues its writes, if
    there are any. It runs again, on a new pipeline, when a watched key has changed meanwhile, so it must not change
    anything else. Returns what it returned last. Raises what it raises, redis-py's errors, and `ContentionError` naming
    the ``subject`` after so many ``tries``.
    """
    for _ in range(tries):
        with client.pipeline(transaction=True) as pipe:
            try:
                if watched:
                    pipe.watch(*watched)
                result = attempt(pipe)
                pipe.execute()
            except WatchError:
                continue
            return result
    raise _contention(subject)


async def transact_async(
    client: Any, attempt: Callable[[Any], Awaitable[T]], *watched: str, subject: str = "the record", tries: int = TRIES
) -> T:
    """As `transact`, with an asyncio client."""
    for _ in range(tries):
        async with client.pipeline(transaction=True) as pipe:
            try:
                if watched:
                    await pipe.watch(*watched)
                result = await attempt(pipe)
                await pipe.execute()
            except WatchError:
                continue
            return result
    raise _contention(subject)


def _contention(subject: str) -> ContentionError:
    return ContentionError(f"others change {subject} too often for this change to get through: try again")


def add_entry(
    client: Any, stream: str, fields: Mapping[bytes, bytes], *, entry_id: str, maxlen: int, lease: str, value: bytes
) -> tuple[int, int] | None:
    """Add an entry to a stream, unlogged; older ones beyond ``maxlen`` go. Returns the time of Redis, as TIME does.
    Returns None, and writes nothing, unless the stream exists and the key ``lease`` holds ``value``.

    It is one command, so that a picture costs one round trip. With a pipeline it is queued."""
    time = client.eval(_ADD, 2, stream, lease, value, maxlen, entry_id, *_flat(fields))
    return (int(time[0]), int(time[1])) if isinstance(time, list) else None


def write_under(client: Any, lease: str, value: bytes, queue: Callable[[Any], object]) -> bool:
    """Execute what ``queue`` puts into a pipeline, as one command. Returns False, and writes nothing, unless the key
    ``lease`` holds ``value``."""
    pipe = client.pipeline()
    queue(pipe)
    words: list[Any] = []
    for command, _ in pipe.command_stack:
        if command[:2] == ("EVAL", _SET):  # a script can call no other
            words += [2 - len(command), "HSET", *command[3:]]
        else:
            words += [len(command), *command]
    return client.eval(_WRITE, 1, lease, value, *words) is not None


def set_fields(pipe: Any, name: str, fields: Mapping[Any, Any]) -> None:
    """Queue the setting of fields of a hash."""
    if fields:
        pipe.eval(_SET, 1, name, *_flat(fields))


def set_stream_position(pipe: Any, stream: str, last_id: str, added: int, max_deleted_id: str) -> None:
    """Queue that a stream that exists goes on after ``last_id``, and that so many entries were ever added to it."""
    pipe.eval(_GO_ON, 1, stream, last_id, added, max_deleted_id)


def _flat(fields: Mapping[Any, Any]) -> list[Any]:
    return [part for field in fields.items() for part in field]
