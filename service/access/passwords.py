"""Passwords: what is accepted, and how they are kept (argon2id, RFC 9106).

A hash takes 64 MiB and a good tenth of a second on purpose. Few are worked out at once, on threads of their own, so
that strangers who try passwords slow down nobody but themselves.
"""

from __future__ import annotations

import asyncio
import base64
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from pydantic import SecretStr

from patchwatch.contract.errors import OverloadedError, RejectedError

LEAST_LENGTH, MOST_LENGTH = 12, 1024  # characters
_LEAST_DIFFERENT = 5  # characters
_AT_ONCE, _MOST_WAITING = 2, 16
_HASHER = PasswordHasher()  # RFC 9106, for machines without memory to spare: 64 MiB, three passes
_T = TypeVar("_T")


def check_password(password: str, name: str) -> None:
    """Raises `RejectedError` for a password that is too easy to guess; nothing is cut off from a long one."""
    if not LEAST_LENGTH <= len(password) <= MOST_LENGTH:
        raise RejectedError(f"the password has {len(password)} characters: choose {LEAST_LENGTH} to {MOST_LENGTH}")
    repeats_name = not password.casefold().replace(name.casefold(), "")
    if len(set(password)) < _LEAST_DIFFERENT or repeats_name:
        raise RejectedError("the password repeats few characters or your name: choose another, such as four words")


def hash_password(password: str) -> SecretStr:
    """The hash to store."""
    return SecretStr(_HASHER.hash(_normalized(password)))


def is_right(stored: SecretStr | None, password: str) -> bool:
    """Whether ``password`` belongs to the hash. Takes as long where there is none, as of a user who does not exist."""
    kept = stored.get_secret_value() if stored is not None else _nobodys_hash()
    try:
        return _HASHER.verify(kept, _normalized(password)) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(stored: SecretStr) -> bool:
    """Whether the hash was made with other parameters than today's."""
    return _HASHER.check_needs_rehash(stored.get_secret_value())


class PasswordWork:
    """Works out hashes beside the event loop, a few at once."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="passwords")
        self._waiting = 0

    async def do(self, work: Callable[[], _T]) -> _T:
        """Raises `OverloadedError` where too many wait."""
        if self._waiting >= _MOST_WAITING:
            raise OverloadedError("too many log in at the same time: try again in a moment")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1

    def stop(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _normalized(password: str) -> bytes:
    """One form of what may be typed in several: keyboards differ in how they send an accent."""
    return unicodedata.normalize("NFKC", password).encode(errors="surrogatepass")


def _nobodys_hash() -> str:
    """A hash that no password has, and that takes as long to compare as a user's."""
    salt, value = (base64.b64encode(bytes(size)).decode().rstrip("=") for size in (_HASHER.salt_len, _HASHER.hash_len))
    cost = f"m={_HASHER.memory_cost},t={_HASHER.time_cost},p={_HASHER.parallelism}"
    return f"$argon2id$v=19${cost}${salt}${value}"
