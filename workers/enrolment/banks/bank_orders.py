"""Publishes in Redis which banks are on disk, and carries out the orders about them that came over the API."""

from __future__ import annotations

import logging
import re
import time
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

log = logging.getLogger(__name__)


class BankOrderHandler:
    """Its ``thread`` runs beside the jobs, so that a bank is activated at once, whatever is being learnt."""

    def __init__(self, settings: Settings, client: Any) -> None:
        self._settings = settings
        self._client = client
        self._clock = BusClock()
        self._known: dict[str, tuple[object, CameraBanks]] = {}
        self._published: dict[str, bytes] = {}
        self._versions: dict[str, dict[str, BankVersions]] = {}
        self._published_all_s = time.monotonic()
        self.thread = PollingThread("banks", self.poll, _POLL_S, "orders about banks wait for it")

    def poll(self) -> None:
        """Carry out the orders that wait, then publish changes of the banks."""
        for _ in range(_ORDERS_AT_ONCE):
            data = self._client.lpop(keys.BANK_ORDERS)
            if data is None:
                break
            with suppress(InvalidMessageError):
                self._carry_out(BankOrder.decode(data))
        self._publish()

    def _carry_out(self, order: BankOrder) -> None:
        self._clock.sync(self._client)
        try:
            if self._clock.now_ms() - order.asked_at_ms > ORDER_WITHIN_S * 1000:
                raise RetryableError("it was not done, because no enrolment worker had time for it: try again")
            _act(self._versions_with(order), order)
            answer = BankAnswer(banks=self._banks_of(order.camera_id))
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

    def _publish(self) -> None:
        if time.monotonic() - self._published_all_s > _PUBLISH_ALL_S:
            self._published, self._published_all_s = {}, time.monotonic()
        names = {name.decode(errors="replace") for name in self._client.hkeys(keys.CAMERAS)}
        cameras = {name for name in names if re.fullmatch(CAMERA_ID_PATTERN, name)}
        published = {name.decode(errors="replace") for name in self._client.hkeys(keys.BANKS)}
        for camera_id in sorted(cameras):
            banks = self._banks_of(camera_id).encode()
            if camera_id not in published or self._published.get(camera_id) != banks:
                self._client.hset(keys.BANKS, camera_id, banks)
                self._published[camera_id] = banks
        for camera_id in (published | self._known.keys()) - cameras:
            self._client.hdel(keys.BANKS, camera_id)
            self._known.pop(camera_id, None)
            self._published.pop(camera_id, None)
            self._versions.pop(camera_id, None)

    def _banks_of(self, camera_id: str) -> CameraBanks:
        """Read from disk again only when a file has changed."""
        profiles = profiles_with_banks(self._settings.banks_dir, camera_id)
        banks = {profile: self._versions_of(camera_id, profile) for profile in profiles}
        signature = {profile: versions.signature for profile, versions in banks.items()}
        before, camera_banks = self._known.get(camera_id, (None, None))
        if camera_banks is None or before != signature:
            camera_banks = _read_banks(camera_id, banks)
            # The signature is that from before reading, so a change during the reading is noticed next time.
            self._known[camera_id] = (signature, camera_banks)
        return camera_banks

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
