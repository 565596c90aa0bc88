"""What Redis holds of users, where it is not what we wrote."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import redis

from patchwatch.bus.connection import translated
from patchwatch.contract.errors import RetryableError


class DamagedError(RetryableError):
    """Nobody can be let in before Redis is repaired."""

    code = "damaged"


@contextmanager
def closed_when_damaged() -> Iterator[None]:
    """As `translated`; a key of another kind than ours raises `DamagedError`."""
    try:
        with translated():
            yield
    except redis.ResponseError as error:
        if "WRONGTYPE" not in str(error):
            raise
        raise DamagedError(
            f"nobody is let in, because what Redis holds of users cannot be read ({error}): restore a backup of "
            "Redis, or delete the keys pw:users, pw:sessions and pw:tokens, and begin with `patchwatch users add`"
        ) from None
