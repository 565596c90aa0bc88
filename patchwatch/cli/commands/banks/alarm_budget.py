"""How many false alarms a camera may raise: its own budget where it has one, else the installation's."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from patchwatch.cli.commands.banks.camera_record import redis_url, stored_camera
from patchwatch.contract.errors import BusUnavailableError, InvalidMessageError
from patchwatch.contract.settings import Settings
from patchwatch.messages.cameras.camera import Camera


@dataclass(frozen=True)
class AlarmBudget:
    """False alarms accepted a day. ``whose`` says in words where the number comes from."""

    per_day: float
    whose: str

    @property
    def line(self) -> str:
        return f"{self.per_day:g} false alarms a day are accepted: {self.whose}"


def alarm_budget(settings: Settings, camera_id: str) -> AlarmBudget:
    """The budget that the inference worker uses for this camera.

    Without Redis, or for a camera that the installation does not know, it is the setting, and ``whose`` says so.
    """
    url = redis_url(settings)
    if url is None:
        return _setting(settings, "no service runs with this data folder, so a budget of the camera itself is unknown")
    try:
        camera = _camera(url, camera_id)
    except BusUnavailableError:
        return _setting(settings, "Redis does not answer, so a budget of the camera itself is unknown")
    if camera is None or camera.false_alarms_per_day is None:
        note = f"`patchwatch cameras update {camera_id} --false-alarms-per-day N` gives it its own"
        return _setting(settings, note)
    return AlarmBudget(camera.false_alarms_per_day, f"the budget of {camera_id} itself")


def _setting(settings: Settings, note: str) -> AlarmBudget:
    return AlarmBudget(settings.false_alarms_per_day, f"PATCHWATCH_FALSE_ALARMS_PER_DAY ({note})")


def _camera(url: str, camera_id: str) -> Camera | None:
    record = stored_camera(url, camera_id)
    with suppress(InvalidMessageError):
        return None if record is None else Camera.decode(record)
    return None
