"""Publishes in Redis which banks are on disk, and carries out the orders about them that came over the API."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import Any

from patchwatch.bus import keys
from patchwatch.bus.clock import BusClock
from patchwatch.contract.errors import (
    InvalidMessageError,
    NotFoundError,
    PatchwatchError,
    RetryableError,
)
from patchwatch.contract.settings import Settings
from patchwatch.messages.banks.bank_version import (
    ORDER_WITHIN_S,
    BankAction,
    BankAnswer,
    BankOrder,
    BankVersion,
    CameraBanks,
)
from patchwatch.messages.base import CAMERA_ID_PATTERN
from workers.enrolment.banks.bank_versions import BankVersions, profiles_with_banks
from workers.enrolment.polling_thread import PollingThread

_POLL_S = 0.5
_ANSWER_EXPIRES_S = 30
_ORDERS_AT_ONCE = 50
_PUBLISH_ALL_S = 60.0  # restores what Redis may have lost
_LOOKED_AT_ONCE = 500  # cameras: of thousands, each is looked at within seconds

log = logging.getLogger(__name__)


class BankOrderHandler:
    """Its ``thread`` runs beside the jobs, so that a bank is activated at once, whatever is being learnt."""

    def __init__(self, settings: Settings, client: Any) -> None:
        self._settings = settings
        self._client = client
        self._clock = BusClock()
        self._known: dict[str, tuple[object, CameraBanks, bytes]] = {}  # as it is on disk, read, and encoded
        self._published: dict[str, bytes] = {}
        self._versions: dict[str, dict[str, BankVersions]] = {}
        self._published_all_s = time.monotonic()
        self._ordered: set[str] = set()  # cameras whose banks were just changed here
        self._next = 0  # of the cameras by id: whose turn it is to be looked at
        self.thread = PollingThread("banks", self.poll, _POLL_S, "orders about banks wait for it")

    def poll(self) -> None:
        """Carry out the orders that wait, then publish changes of the banks."""
        with self._client.pipeline(transaction=False) as pipe:  # one round trip, twice a second
            pipe.lpop(keys.BANK_ORDERS).hkeys(keys.CAMERAS).hkeys(keys.BANKS)
            data, *names = pipe.execute()
        taken = 0
        while data is not None:
            with suppress(InvalidMessageError):
                self._carry_out(BankOrder.decode(data))
            taken += 1
            data = self._client.lpop(keys.BANK_ORDERS) if taken < _ORDERS_AT_ONCE else None
        cameras, published = ({name.decode(errors="replace") for name in some} for some in names)
        self._publish({name for name in cameras if re.fullmatch(CAMERA_ID_PATTERN, name)}, published)

    def _carry_out(self, order: BankOrder) -> None:
        self._clock.sync(self._client)
        self._ordered.add(order.camera_id)
        try:
            if self._clock.now_ms() - order.asked_at_ms > ORDER_WITHIN_S * 1000:
                raise RetryableError("it was not done, because no enrolment worker had time for it: try again")
            _act(self._versions_with(order), order)
            answer = BankAnswer(banks=self._banks_of(order.camera_id)[0])
            log.info("%s: bank %s: %s", order.camera_id, order.bank_id, order.action)
        except PatchwatchError as error:
            answer = BankAnswer(code=error.code, detail=str(error))
        key = keys.bank_answer(order.token)
        with self._client.pipeline(transaction=True) as pipe:
            pipe.rpush(key, answer.encode())
            pipe.expire(key, _ANSWER_EXPIRES_S)
            pipe.execute()

    def _versions_with(self, order: BankOrder) -> BankVersions:
        """The banks of the profile that this bank belongs to."""
        for profile in profiles_with_banks(self._settings.banks_dir, order.camera_id):
            versions = BankVersions.from_settings(self._settings, order.camera_id, profile)
            if versions.path(order.bank_id).is_file() or versions.active_id == order.bank_id:
                return versions
        raise NotFoundError(
            f"there is no bank {order.bank_id!r} of camera {order.camera_id}: see GET "
            f"/api/v1/cameras/{order.camera_id}/banks"
        )

    def _publish(self, cameras: set[str], published: set[str]) -> None:
        if time.monotonic() - self._published_all_s > _PUBLISH_ALL_S:
            self._published, self._published_all_s = {}, time.monotonic()
        for camera_id in self._due(sorted(cameras), published):
            banks = self._banks_of(camera_id)[1]
            if camera_id not in published or self._published.get(camera_id) != banks:
                self._client.hset(keys.BANKS, camera_id, banks)
                self._published[camera_id] = banks
        for camera_id in (published | self._known.keys()) - cameras:
            self._client.hdel(keys.BANKS, camera_id)
            self._known.pop(camera_id, None)
            self._published.pop(camera_id, None)
            self._versions.pop(camera_id, None)

    def _due(self, cameras: Sequence[str], published: Collection[str]) -> list[str]:
        """The cameras to look at now: some in turn, and always those of orders and those that are not published."""
        begin, end = self._next, self._next + _LOOKED_AT_ONCE
        self._next = end if end < len(cameras) else 0
        at_once = self._ordered | {one for one in cameras if one not in published or one not in self._published}
        self._ordered = set()
        return [one for place, one in enumerate(cameras) if begin <= place < end or one in at_once]

    def _banks_of(self, camera_id: str) -> tuple[CameraBanks, bytes]:
        """With their record. Read from disk and encoded again only when a file has changed."""
        profiles = profiles_with_banks(self._settings.banks_dir, camera_id)
        banks = {profile: self._versions_of(camera_id, profile) for profile in profiles}
        signature = {profile: versions.signature for profile, versions in banks.items()}
        known = self._known.get(camera_id)
        if known is None or known[0] != signature:
            camera_banks = _read_banks(camera_id, banks)
            # The signature is that from before reading, so a change during the reading is noticed next time.
            known = self._known[camera_id] = (signature, camera_banks, camera_banks.encode())
        return known[1:]

    def _versions_of(self, camera_id: str, profile: str) -> BankVersions:
        """The same object each time, because it is asked for twice a second."""
        known = self._versions.setdefault(camera_id, {})
        if profile not in known:
            known[profile] = BankVersions.from_settings(self._settings, camera_id, profile)
        return known[profile]


def _read_banks(camera_id: str, by_profile: dict[str, BankVersions]) -> CameraBanks:
    versions: list[BankVersion] = []
    active: dict[str, str] = {}
    for profile, banks in by_profile.items():
        with suppress(PatchwatchError):  # a disk that cannot be read has no banks to show
            versions += banks.all()
            if (active_id := banks.active_id) is not None:
                active[profile] = active_id
    versions.sort(key=lambda version: version.stored_at_ms, reverse=True)
    return CameraBanks(camera_id=camera_id, versions=tuple(versions), active=active)


def _act(versions: BankVersions, order: BankOrder) -> None:
    match order.action:
        case BankAction.ACTIVATE:
            versions.activate(order.bank_id, by_operator=True)
        case BankAction.PIN:
            versions.pin(order.bank_id)
        case BankAction.UNPIN:
            versions.pin(order.bank_id, False)
        case BankAction.REMOVE:
            versions.remove(order.bank_id)
        case BankAction.SHADOW:
            versions.check_beside_active(order.bank_id)
