"""Zones as people write them on a command line or in a file, and as a command shows them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from patchwatch.contract.errors import RejectedError
from patchwatch.messages.cameras.zones.zone import Zone, Zones

_EXAMPLE = "name=porch kind=ignore points=0,0 0.3,0 0.3,1 0,1"
_KEYS = ("name", "kind", "points")
_MOST_BYTES = 1_000_000  # of a file: 32 zones take a tenth

ZoneTexts = Annotated[
    list[str] | None,
    typer.Option(
        "--zone",
        metavar="ZONE",
        help=f"A zone of the picture, like '{_EXAMPLE}': corners in shares of its width and height; kind ignore, "
        "watch, privacy or zone. May be repeated; the zones given replace all those before.",
    ),
]
ZoneFile = Annotated[
    Path | None,
    typer.Option("--zone-file", help='Zones as JSON: [{"name": ..., "kind": ..., "points": [[0, 0], ...]}, ...].'),
]


def given_zones(texts: Sequence[str] | None, file: Path | None) -> list[dict[str, Any]] | None:
    """The zones that ``--zone`` and ``--zone-file`` name together, as JSON values; None where neither was given.

    Raises `RejectedError` for what is no zone. That they fit together is for the service to say.
    """
    if not texts and file is None:
        return None
    read = _read(file) if file is not None else []
    return read + [parse_zone(text) for text in texts or ()]


def checked_zones(values: Sequence[dict[str, Any]]) -> tuple[Zone, ...]:
    """Zones from JSON values, where no service checks them. Raises `RejectedError`."""
    try:
        return Zones.model_validate({"zones": list(values)}).zones
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise RejectedError(f"{where or 'zones'}: {first['msg'].removeprefix('Value error, ')}") from None


def parse_zone(text: str) -> dict[str, Any]:
    """A zone as it is written on a command line. Raises `RejectedError`."""
    words: dict[str, list[str]] = {}
    key = ""
    for word in text.split():
        name, equals, value = word.partition("=")
        if equals and name in _KEYS and name not in words:
            key, word = name, value
            words[key] = []
        if key not in words:
            raise RejectedError(f"--zone {text!r} does not begin with name=, kind= or points=: write '{_EXAMPLE}'")
        words[key] += [word] if word else []
    if missing := [name for name in _KEYS if not words.get(name)]:
        raise RejectedError(f"--zone {text!r} lacks {', '.join(missing)}: write '{_EXAMPLE}'")
    points = [_point(word) for word in words["points"]]
    return {"name": " ".join(words["name"]), "kind": " ".join(words["kind"]), "points": points}


def _point(word: str) -> list[float]:
    x, comma, y = word.partition(",")
    try:
        if comma:
            return [float(x), float(y)]
    except ValueError:
        pass
    raise RejectedError(f"{word!r} is not a corner: write its shares of width and height like 0.3,1")


def _read(file: Path) -> list[dict[str, Any]]:
    try:
        if not file.is_file() or file.stat().st_size > _MOST_BYTES:
            raise RejectedError(f"{file} is not a file of zones: name one of JSON, of at most 1 MB, after --zone-file")
        stored = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise RejectedError(f"{file} cannot be read as JSON ({error}): correct it, or name another") from None
    zones = stored.get("zones") if isinstance(stored, dict) else stored
    if not isinstance(zones, list):
        raise RejectedError(f"{file} holds no list of zones: write [{{'name': ..., 'kind': ..., 'points': ...}}, ...]")
    return zones


def zones_line(zones: Sequence[dict[str, Any]]) -> str:
    """Names and kinds, for a list."""
    return ", ".join(f"{zone['name']} ({zone['kind']})" for zone in zones)
