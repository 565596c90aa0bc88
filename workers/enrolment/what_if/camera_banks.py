"""The banks of one camera that its stored scores were made with, and the rules that go with them."""

from __future__ import annotations

from itertools import pairwise

from models.alarms.event_detector import EventRule
from models.alarms.event_replay import RuleFrom
from models.banks.bank import Bank
from models.banks.bank_file import load_bank
from patchwatch.contract.errors import NotFoundError, PatchwatchError
from patchwatch.contract.settings import Settings
from patchwatch.messages.cameras.camera import Camera
from workers.enrolment.banks.bank_versions import BankVersions, profiles_with_banks
from workers.enrolment.what_if.stored_scores import StoredScores


class CameraBanks:
    """Loaded once each. ``active``: the bank that scores now. Raises `NotFoundError` where there is none, and
    `BankMismatchError` where it cannot be read."""

    def __init__(self, settings: Settings, camera: Camera) -> None:
        self._settings = settings
        self._camera = camera
        try:
            self.active = load_bank(settings.bank_path(camera.id, camera.profile))
        except NotFoundError:
            raise NotFoundError(
                f"camera {camera.id} raises no alerts yet: ask again once it has learnt what is normal"
            ) from None
        self._known: dict[str, Bank | None] = {"": self.active, self.active.id: self.active}

    def get(self, bank_id: str) -> Bank:
        """A version of the camera. Raises `NotFoundError` for one that is not there, or `BankMismatchError`."""
        if (known := self._known.get(bank_id)) is not None:
            return known
        for profile in profiles_with_banks(self._settings.banks_dir, self._camera.id):
            path = BankVersions.from_settings(self._settings, self._camera.id, profile).path(bank_id)
            if path.is_file():
                bank = load_bank(path)
                self._known[bank_id] = bank
                return bank
        raise NotFoundError(
            f"there is no bank {bank_id!r} of camera {self._camera.id}: see GET /api/v1/cameras/{self._camera.id}/banks"
        )

    def of_scores(self, bank_id: str) -> Bank | None:
        """The bank that scores were made with; None where it is not there any more."""
        if bank_id not in self._known:
            try:
                self.get(bank_id)
            except PatchwatchError:
                self._known[bank_id] = None
        return self._known[bank_id]


def epochs(stored: StoredScores) -> list[tuple[int, int, str]]:
    """Which scores were made with which bank: first and one past the last, and the bank's id; empty where unknown."""
    ids = [frame.bank_id for frame in stored.frames]
    firsts = [n for n in range(len(ids)) if not n or ids[n] != ids[n - 1]]
    return [(first, end, ids[first]) for first, end in pairwise([*firsts, len(ids)])]


def rules_of(stored: StoredScores, rules: dict[str, EventRule | None]) -> list[RuleFrom]:
    """The rule of each bank, from where on it scored."""
    return [RuleFrom(first, rules[bank_id]) for first, _, bank_id in epochs(stored)]
