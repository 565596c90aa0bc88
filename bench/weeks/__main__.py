"""Fourteen simulated days of ten cameras through the product's own scoring, memory, schedule, learning and event rules.

``python -m bench.weeks`` writes ``bench/results/weeks.json``. The places are drawn, with day and night, weekends, a
cleaner, deliveries, rain, a nudged camera, a new shelf and a season of light; from the second day on something happens
each day that should alert. Of the time between, half a minute is seen every three hours, as of a recording that begins
with movement: what is counted is counted in footage seen, which the record says. What changes the picture for good is
looked at every ten minutes at first, as often as a memory keeps a stretch of a long alert. Beside each camera that
learns by itself another watches the same pictures with the one bank of its first minutes, and with ``--feedback`` a
third one, whose operator says of each alert what it was. Nothing was chosen on the seeds that are reported: 1 to 3 are
for development.

A camera takes some ten minutes of processor time (`scene`); the record is written after each, with one process after
each day. With ``--resume`` the cameras that it holds in full are not simulated again.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))  # also when run as a file

from bench.measure import RESULTS, save  # noqa: E402
from bench.weeks import probe  # noqa: E402
from bench.weeks.life import ANOMALIES, FOLLOWED_S, ORDINARY_S, Kind  # noqa: E402
from bench.weeks.places import PLACES, TURNS  # noqa: E402
from bench.weeks.summary import summary  # noqa: E402
from bench.weeks.watching import FPS, Order, in_processes  # noqa: E402
from models.alarms.alarm_threshold import FALSE_ALARMS_PER_DAY  # noqa: E402


def main() -> None:
    chosen = _chosen()
    orders = _orders(chosen)
    if chosen.gates:
        save("gates of happenings by infrared", _gates(chosen, orders), chosen.out)
        return
    results = _known(chosen, orders) if chosen.resume and chosen.out.exists() else {}
    waiting = [order for order in orders if (order.seed, PLACES[order.camera].name) not in results]
    for result in in_processes(waiting, chosen.processes):
        results[result["seed"], result["camera"]] = result
        save("weeks of cameras that learn by themselves", _body(chosen, orders, [*results.values()]), chosen.out)
        print(f"camera {len(results)} of {len(orders)}: {result['camera']}, {result['days']} days", flush=True)


def _chosen() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=14)
    parser.add_argument("--cameras", type=int, default=len(TURNS), help=f"the first so many of {', '.join(TURNS)}")
    parser.add_argument("--place", action="append", choices=TURNS, help="these instead, one or several")
    parser.add_argument("--seed", type=int, action="append", help="one or several; default: 11")
    parser.add_argument("--profile", default="scene")
    parser.add_argument("--no-comparison", action="store_true", help="without the camera that is enrolled once")
    parser.add_argument("--feedback", action="store_true", help="and a camera whose operator judges each alert at once")
    kinds = [kind.value for kind in Kind]
    parser.add_argument("--only", action="append", choices=kinds, help="of what happens, see nothing else")
    parser.add_argument("--repeated", choices=[kind.value for kind in ANOMALIES], help="the same anomaly each day")
    parser.add_argument(
        "--look-s", type=float, default=ORDINARY_S, help="seconds of an ordinary look; default %(default)g"
    )
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument(
        "--probe", action="store_true", help="each kind of anomaly by day and by night, after one night"
    )
    parser.add_argument("--gates", action="store_true", help="only whether events could open by infrared: no networks")
    parser.add_argument("--resume", action="store_true", help="go on with the record of the same order")
    parser.add_argument(
        "--out", type=Path, help="default: weeks.json of the results, weeks-gates.json, weeks-probe.json"
    )
    chosen = parser.parse_args()
    chosen.days = probe.DAYS if chosen.probe else chosen.days
    kind = "-gates" if chosen.gates else "-probe" if chosen.probe else ""
    chosen.out = chosen.out or RESULTS / f"weeks{kind}.json"
    return chosen


def _orders(chosen: argparse.Namespace) -> list[Order]:
    names = [place.name for place in PLACES]
    return [
        Order(
            names.index(place),
            seed,
            chosen.days,
            chosen.profile,
            not chosen.no_comparison,
            chosen.feedback,
            tuple(chosen.only or ()),
            chosen.look_s,
            chosen.repeated,
            chosen.probe,
        )
        for seed in chosen.seed or [11]
        for place in chosen.place or TURNS[: chosen.cameras]
    ]


def _gates(chosen: argparse.Namespace, orders: Sequence[Order]) -> dict[str, Any]:
    cameras = [
        {"camera": PLACES[order.camera].name, "seed": order.seed,
         "happenings": probe.gates(PLACES[order.camera], order.own_seed, order.days, order.look_s)}
        for order in orders
    ]  # fmt: skip
    return {"days": chosen.days, "look_s": chosen.look_s, "cameras": cameras}


def _order(chosen: argparse.Namespace) -> dict[str, Any]:
    """What must be the same for results to stand in one record."""
    return {
        name: getattr(chosen, name) for name in ("look_s", "feedback", "only", "repeated", "probe", "no_comparison")
    }


def _known(chosen: argparse.Namespace, orders: Sequence[Order]) -> dict[tuple[int, str], dict[str, Any]]:
    """The cameras of this order that the record holds in full."""
    record = json.loads(chosen.out.read_text())
    if (record["profile"], record["days"], record.get("order")) != (chosen.profile, chosen.days, _order(chosen)):
        raise SystemExit(f"{chosen.out} is the record of another order: name another file by --out")
    wanted = {(order.seed, PLACES[order.camera].name) for order in orders}
    found = {(one["seed"], one["camera"]): one for one in record["cameras"] if one["days"] == chosen.days}
    return {key: one for key, one in found.items() if key in wanted}


def _body(chosen: argparse.Namespace, orders: Sequence[Order], results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    in_order = sorted(results, key=lambda result: (result["seed"], result["camera"]))
    return {
        "profile": chosen.profile, "fps": FPS, "days": chosen.days, "seeds": sorted({order.seed for order in orders}),
        "cameras_planned": len(orders), "budget_a_camera_and_day": FALSE_ALARMS_PER_DAY,
        "order": _order(chosen),
        "counted_in": f"footage seen: {chosen.look_s:g} s every three hours, all happenings in full, and looks every "
        f"ten minutes for {FOLLOWED_S / 60:g} min after a lasting change and from where the other light first shows it",
        "summary": summary(in_order), "cameras": in_order,
    }  # fmt: skip


if __name__ == "__main__":
    main()
