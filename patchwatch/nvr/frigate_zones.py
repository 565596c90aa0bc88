"""Frigate's zones as zones of ours: places with a name, which alerts in them carry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from patchwatch.messages.cameras.zones.zone import MAX_ZONES, Zone

_MOST_NUMBERS = 1000
_LONGEST = 20_000  # characters of as many


def frigate_zones(camera: Mapping[str, Any]) -> tuple[tuple[Mapping[str, Any], ...], tuple[str, ...]]:
    """The zones of a camera's entry as JSON values, and of those that cannot be taken a sentence each."""
    zones = camera.get("zones")
    if not isinstance(zones, dict):
        return (), ()
    taken: list[Mapping[str, Any]] = []
    left_out: list[str] = []
    for name, entry in list(zones.items())[: 2 * MAX_ZONES]:
        zone = _zone(str(name), entry, _size(camera))
        if isinstance(zone, str) or len(taken) == MAX_ZONES:
            left_out.append(f"zone {name}: {zone if isinstance(zone, str) else f'a camera has {MAX_ZONES} at most'}")
        else:
            taken.append(zone)
    return tuple(taken), tuple(left_out)


def _zone(name: str, entry: object, size: tuple[float, float] | None) -> Mapping[str, Any] | str:
    coordinates = entry.get("coordinates") if isinstance(entry, dict) else None
    try:
        points = _corners(_numbers(coordinates), size)
        zone = Zone.model_validate({"name": name, "kind": "zone", "points": points})
    except ValidationError as error:
        return error.errors()[0]["msg"].removeprefix("Value error, ")
    except ValueError as error:
        return str(error)
    return zone.model_dump(mode="json")


def _numbers(coordinates: object) -> list[float]:
    """From ``"x,y,x,y"``, or a list of such texts or of numbers."""
    several = coordinates[:_MOST_NUMBERS] if isinstance(coordinates, list) else [coordinates]
    if not all(isinstance(each, str | int | float) for each in several):  # lists in lists may be as large as one likes
        raise ValueError("its coordinates are no numbers: draw it here instead")
    words = [word for each in several for word in str(each)[:_LONGEST].split(",", _MOST_NUMBERS)]
    try:
        return [float(word) for word in words[:_MOST_NUMBERS]]
    except ValueError:
        raise ValueError("its coordinates are no numbers: draw it here instead") from None


def _corners(numbers: list[float], size: tuple[float, float] | None) -> list[tuple[float, float]]:
    pairs: Iterable[tuple[float, float]] = zip(numbers[::2], numbers[1::2], strict=False)
    if len(numbers) % 2:
        raise ValueError("its coordinates are no pairs: draw it here instead")
    if all(0 <= number <= 1 for number in numbers):
        return list(pairs)
    if size is None:
        raise ValueError("its coordinates are pixels, and `detect` gives no width and height: draw it here instead")
    return [(min(x / size[0], 1.0), min(y / size[1], 1.0)) for x, y in pairs]


def _size(camera: Mapping[str, Any]) -> tuple[float, float] | None:
    detect = camera.get("detect")
    width, height = (detect.get("width"), detect.get("height")) if isinstance(detect, dict) else (None, None)
    if isinstance(width, int) and isinstance(height, int) and width > 0 and height > 0:
        return float(width), float(height)
    return None
