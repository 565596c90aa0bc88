"""The rule by which a camera's alerts open: that of its bank for its alarm budget."""

from __future__ import annotations

from models.alarms.event_detector import EventRule
from models.banks.bank import Bank
from patchwatch.contract.settings import Settings
from patchwatch.messages.cameras.camera import Camera


def budget_of(camera: Camera, settings: Settings) -> float:
    """False alarms a day that are accepted of this camera."""
    return camera.budget_per_day(settings.false_alarms_per_day)


def is_provisional(bank: Bank, self_arms: bool) -> bool:
    """Whether little footage means a provisional level: soon there is more. Not for an operator's bank, which may stay
    for good."""
    return self_arms and bank.footage.remembered


def rule_in_force(bank: Bank, camera: Camera, settings: Settings) -> EventRule:
    """The rule that the inference worker uses for this camera and bank."""
    provisional = is_provisional(bank, camera.self_arms(settings.self_arm))
    return bank.threshold.rule(budget_of(camera, settings), provisional=provisional)
