"""PeerLimits by their address, and how many wrong passwords each may still give. All memory is bounded."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import TypeVar

from patchwatch.contract.address_policy import network_of

_GUESSES = 10
_ONE_MORE_EVERY_S = 6.0
_REMEMBERED = 4096  # addresses


class PeerLimits:
    """Remembers the latest addresses: wrong passwords, and who has proved a right one."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._wrong: OrderedDict[tuple[str, str], float] = OrderedDict()  # when all its guesses will be given back
        self._proved: OrderedDict[str, None] = OrderedDict()
        self._cameras: OrderedDict[tuple[str, str], None] = OrderedDict()

    def may_guess(self, host: str, camera_id: str) -> bool:
        """Whether its next password is looked at: 10 at first, one more every 6 s."""
        owed_s = self._wrong.get(self._account(host, camera_id), 0.0) - self._now()
        return owed_s <= (_GUESSES - 1) * _ONE_MORE_EVERY_S

    def guessed_wrong(self, host: str, camera_id: str) -> None:
        account = self._account(host, camera_id)
        self._wrong[account] = max(self._now(), self._wrong.pop(account, 0.0)) + _ONE_MORE_EVERY_S
        if len(self._wrong) > _REMEMBERED:
            self._wrong.popitem(last=False)

    def proved(self, host: str, camera_id: str) -> None:
        """It knew a password: it keeps a way in, whoever else crowds the door."""
        _remember(self._proved, network_of(host))
        _remember(self._cameras, (network_of(host), camera_id))

    def is_known(self, host: str) -> bool:
        return network_of(host) in self._proved

    def _account(self, host: str, camera_id: str) -> tuple[str, str]:
        """Behind one address may be many (a proxy, a container's bridge): what others of them guess wrong does not
        count against a camera that has published from there."""
        own = (network_of(host), camera_id)
        return own if own in self._cameras else (own[0], "")


_Key = TypeVar("_Key")


def _remember(known: OrderedDict[_Key, None], key: _Key) -> None:
    known[key] = None
    known.move_to_end(key)
    if len(known) > _REMEMBERED:
        known.popitem(last=False)
