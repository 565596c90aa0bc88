"""How many wrong passwords each address may still send, and which addresses have proved one. Memory is bounded."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import TypeVar

from patchwatch.contract.address_policy import network_of

_TRIES = 10
_ONE_MORE_EVERY_S = 6.0
_REMEMBERED = 4096  # The latest addresses; older ones are forgotten.


class PeerLimits:
    """A token bucket of password attempts for each address."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._refilled_s: OrderedDict[tuple[str, str], float] = OrderedDict()  # When each bucket will be full again.
        self._trusted: OrderedDict[str, None] = OrderedDict()
        self._cameras: OrderedDict[tuple[str, str], None] = OrderedDict()

    def may_try(self, host: str, camera_id: str) -> bool:
        """Whether its next password is checked: 10 at first, one more every 6 s."""
        missing_s = self._refilled_s.get(self._bucket(host, camera_id), 0.0) - self._now()
        return missing_s <= (_TRIES - 1) * _ONE_MORE_EVERY_S

    def record_failure(self, host: str, camera_id: str) -> None:
        """It sent a wrong password."""
        bucket = self._bucket(host, camera_id)
        self._refilled_s[bucket] = max(self._now(), self._refilled_s.pop(bucket, 0.0)) + _ONE_MORE_EVERY_S
        if len(self._refilled_s) > _REMEMBERED:
            self._refilled_s.popitem(last=False)

    def record_success(self, host: str, camera_id: str) -> None:
        """It sent a right password, so strangers can no longer keep it out."""
        _remember(self._trusted, network_of(host))
        _remember(self._cameras, (network_of(host), camera_id))

    def is_trusted(self, host: str) -> bool:
        """Whether this address has proved a password."""
        return network_of(host) in self._trusted

    def _bucket(self, host: str, camera_id: str) -> tuple[str, str]:
        """Many peers may share one address (a proxy, a container's bridge): the failures of others do not count against
        a camera that has published from there."""
        own = (network_of(host), camera_id)
        return own if own in self._cameras else (own[0], "")


_Key = TypeVar("_Key")


def _remember(entries: OrderedDict[_Key, None], key: _Key) -> None:
    entries[key] = None
    entries.move_to_end(key)
    if len(entries) > _REMEMBERED:
        entries.popitem(last=False)
