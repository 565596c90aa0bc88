"""What queue, workers and service take with thousands of cameras: ``python -m bench.capacity``.

Real are Redis, leases and their sharing out, frames (small JPEGs) and their commits, alerts, and the service with its
clients. SIMULATED are the cameras, whose frames come from threads within the ingest workers and not from a capture
process each, and the ENGINE: a stand-in that finds marked pictures, at no cost or that of ``--frame-ms``. The memory of
normal and evidence are switched off. Writes ``bench/results/capacity.json``, with each step beside what `patchwatch
plan` calculates for it, and prints that; needs no network but loopback, and ends within ``--minutes``.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.capacity.against_plan import as_text, compare, kept_up
from bench.capacity.listing import listings
from bench.capacity.pictures import HEIGHT, WIDTH, mean_kb
from bench.capacity.site import Site
from bench.capacity.step import measure, takes_s
from bench.measure import RESULTS, save
from patchwatch.capacity.figures import figures

_ENDING_S = 45.0  # what lists and the end of all processes take
WHAT = "queue, workers and service with simulated cameras and a stand-in engine"


def main() -> None:
    chosen = _arguments()
    ends_s = time.monotonic() + 60 * chosen.minutes - _ENDING_S
    body: dict[str, Any] = {
        "engine": f"a stand-in that takes {chosen.frame_ms:g} ms over a frame",
        "picture": f"JPEG, {WIDTH}x{HEIGHT}", "picture_kb": round(mean_kb(), 2), "max_age_s": chosen.max_age_s,
        "workers_of_ingest_and_of_inference": chosen.workers, "steps": [],
    }  # fmt: skip
    with (
        tempfile.TemporaryDirectory(prefix="patchwatch-capacity-") as folder,
        Site(
            Path(folder),
            port=chosen.port,
            workers=chosen.workers,
            frame_ms=chosen.frame_ms,
            settings={"max_age_s": chosen.max_age_s},
        ) as site,
    ):
        _take_steps(site, chosen, body, ends_s)
        body["listings"] = listings(site, chosen.units, 3)
    save(WHAT, body, chosen.out)
    print(as_text(body["steps"]))
    if "left_out" in body:
        print(f"no time was left for {', '.join(body['left_out'])}: allow more --minutes")


def _take_steps(site: Site, chosen: argparse.Namespace, body: dict[str, Any], ends_s: float) -> None:
    """Those that there is time for; what is known so far is saved after each."""
    for number, (cameras, fps) in enumerate(chosen.steps):
        left_s = ends_s - time.monotonic() - (len(chosen.steps) - number) * takes_s(chosen.seconds)
        if left_s <= 0:
            body["left_out"] = [f"{cameras}@{fps:g}" for cameras, fps in chosen.steps[number:]]
            return
        step = measure(site, cameras, fps, chosen.seconds, chosen.listeners, left_s)
        body["steps"].append(step)
        step["kept_up"] = kept_up(step)
        step["against_plan"] = compare(step, body["steps"], body, figures())
        save(WHAT, body, chosen.out)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=_step, nargs="+", default=[(60, 0.5), (500, 0.05), (500, 0.2), (2000, 0.1)],
                        metavar="CAMERAS@FPS")  # fmt: skip
    parser.add_argument("--seconds", type=float, default=20.0, help="that each step is watched, in each part")
    parser.add_argument("--minutes", type=float, default=10.0, help="that all of it may take")
    parser.add_argument("--workers", type=int, default=2, help="of ingest, and of inference")
    parser.add_argument("--frame-ms", type=float, default=0.0, help="that the stand-in engine takes over a frame")
    parser.add_argument("--max-age-s", type=float, default=30.0, help="of a frame: on a machine that others use, too")
    parser.add_argument("--listeners", type=int, default=50, help="clients that listen to alerts")
    parser.add_argument("--units", type=int, nargs="+", default=[2000],
                        help="cameras that lists are measured with, without frames")  # fmt: skip
    parser.add_argument("--port", type=int, default=22_000, help="the first of a few that are free")
    parser.add_argument("--out", type=Path, default=RESULTS / "capacity.json")
    return parser.parse_args()


def _step(text: str) -> tuple[int, float]:
    cameras, _, fps = text.partition("@")
    return int(cameras), float(fps or 1)


if __name__ == "__main__":
    main()
