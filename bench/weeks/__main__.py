"""Fourteen simulated days of ten cameras through the product's own scoring, memory, schedule, learning and event rules.

``python -m bench.weeks`` writes ``bench/results/weeks.json``. The places are drawn, with day and night, weekends, a
cleaner, deliveries, rain, a nudged camera, a new shelf and a season of light; from the second day on something happens
each day that should alert. Of the time between, some seconds are seen every three hours, as of a recording that begins
with movement: what is counted is counted in footage seen, which the record says. Beside each camera that learns by
itself another watches the same pictures with the one bank of its first minutes. Nothing was chosen on the seeds that
are reported: 1 to 3 are for development.

A camera takes about four minutes of processor time (`scene`); the record is written after each.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))  # also when run as a file

from bench.measure import RESULTS, save  # noqa: E402
from bench.weeks.life import ORDINARY_S, Kind  # noqa: E402
from bench.weeks.places import PLACES, TURNS  # noqa: E402
from bench.weeks.summary import summary  # noqa: E402
from bench.weeks.watching import FPS, Order, in_processes  # noqa: E402
from models.alarms.alarm_threshold import FALSE_ALARMS_PER_DAY  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=14)
    parser.add_argument("--cameras", type=int, default=len(TURNS), help=f"the first so many of {', '.join(TURNS)}")
    parser.add_argument("--place", action="append", choices=TURNS, help="these instead, one or several")
    parser.add_argument("--seed", type=int, action="append", help="one or several; default: 11")
    parser.add_argument("--profile", default="scene")
    parser.add_argument("--no-comparison", action="store_true", help="without the camera that is enrolled once")
    parser.add_argument("--recurrence", action="store_true", help="what recurs is admitted")
    parser.add_argument("--feedback", action="store_true", help="an operator says the truth of each alert at once")
    parser.add_argument("--only", choices=[kind.value for kind in Kind], help="see nothing else after the beginning")
    parser.add_argument(
        "--look-s", type=float, default=ORDINARY_S, help="seconds of an ordinary look; default %(default)g"
    )
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--out", type=Path, default=RESULTS / "weeks.json")
    chosen = parser.parse_args()
    names = [place.name for place in PLACES]
    orders = [
        Order(
            names.index(place),
            seed,
            chosen.days,
            chosen.profile,
            not chosen.no_comparison,
            chosen.recurrence,
            chosen.feedback,
            chosen.only,
            chosen.look_s,
        )
        for seed in chosen.seed or [11]
        for place in chosen.place or TURNS[: chosen.cameras]
    ]
    results: dict[tuple[int, str], dict[str, Any]] = {}
    for result in in_processes(orders, chosen.processes):
        results[result["seed"], result["camera"]] = result
        save("weeks of cameras that learn by themselves", _body(chosen, orders, [*results.values()]), chosen.out)
        print(f"camera {len(results)} of {len(orders)}: {result['camera']}, {result['days']} days", flush=True)


def _body(chosen: argparse.Namespace, orders: Sequence[Order], results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    in_order = sorted(results, key=lambda result: (result["seed"], result["camera"]))
    return {
        "profile": chosen.profile, "fps": FPS, "days": chosen.days, "seeds": sorted({order.seed for order in orders}),
        "cameras_planned": len(orders), "budget_a_camera_and_day": FALSE_ALARMS_PER_DAY,
        "look_s": chosen.look_s,
        "counted_in": "footage seen: some seconds every three hours, and all happenings in full",
        "summary": summary(in_order), "cameras": in_order,
    }  # fmt: skip


if __name__ == "__main__":
    main()
