"""``patchwatch cameras absence``: watch for what nearly always happens by a certain time of the week."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

import typer

from patchwatch.cli.options import Api, AsJson, CameraId, rest_client
from patchwatch.cli.output import print_json

_SHADES = " .:+#"  # by how much of the hour something moved
_HOUR = 4  # quarters
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def absence(
    camera: CameraId,
    chance: Annotated[
        float | None,
        typer.Option(
            "--chance", help="Switch it on: alert when a silence is less probable, such as 0.01 (0.2 at most)."
        ),
    ] = None,
    off: Annotated[bool, typer.Option("--off", help="Switch it off.")] = False,
    api: Api = None,
    as_json: AsJson = False,
) -> None:
    """Show whether what nearly always happens by now is absent, or switch that watch on or off.

    It learns for three weeks. Time in which nobody can see (offline, blind, muted) never counts as absence.
    """
    client, path = rest_client(api), f"/cameras/{quote(camera, safe='')}"
    if off or chance is not None:
        client.patch(path, {"absence_chance": None if off else chance})
    answer = client.get(f"{path}/absence")
    if as_json:
        print_json(answer)
        return
    typer.echo(answer["text"])
    for line in table(answer["weeks"]):
        typer.echo(line)


def table(weeks: list[dict[str, Any]]) -> list[str]:
    """A line a day of the week: how much usually moves in each hour; ``?`` where nothing is known."""
    if not weeks:
        return []
    rows = [f"{name}  {''.join(_shade(weeks, day, hour) for hour in range(24))}" for day, name in enumerate(_DAYS)]
    return ["     " + "0     6     12    18    ", *rows]


def _shade(weeks: list[dict[str, Any]], day: int, hour: int) -> str:
    quarters = slice(hour * _HOUR, (hour + 1) * _HOUR)
    known = [percent for week in weeks for percent in week["days"][day][quarters] if percent is not None]
    if not known:
        return "?"
    share = sum(known) / len(known) / 100
    return _SHADES[min(len(_SHADES) - 1, round(share**0.5 * (len(_SHADES) - 1) + (0.5 if share else 0.0)))]
