"""What a frame's comparison with normal costs: by exemplars, and by cameras whose banks are loaded.

``python -m bench.banks`` writes ``bench/results/banks.json``. Exemplars and features are SYNTHETIC (random); their
numbers and dimensions are those of the `clip` profile's whole-frame stream and of the `motion` profile. Frames come one
at a time, as those of a camera do.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]  # also when run as a file

from memory import peak_mib  # noqa: E402

from bench.measure import RESULTS, spread, write  # noqa: E402
from models.banks.bank import StreamBank, frame_distance  # noqa: E402
from models.engine.engine import one_thread  # noqa: E402
from models.frames.frame import Features  # noqa: E402
from models.profiles.stream_options import MotionOptions  # noqa: E402
from models.streams.motion_stream import CELLS, DIRECTIONS  # noqa: E402

SEEDS, DIM = 3, 1536


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--exemplars", type=int, nargs="+", default=[100, 1_000, 10_000, 100_000], help="of all seeds")
    parser.add_argument("--cameras", type=int, nargs="+", default=[1, 10, 100, 1_000])
    parser.add_argument("--frames", type=int, default=200, help="at least, for each row")
    parser.add_argument("--out", type=Path, default=RESULTS / "banks.json")
    chosen = parser.parse_args()
    one_thread()  # as where frames are analysed
    body = {
        "unit": "ms of wall time per frame; exemplars and features are synthetic",
        "by_cameras": by_cameras(chosen.cameras, chosen.frames),
        "by_exemplars": {str(count): by_exemplars(count, chosen.frames) for count in chosen.exemplars},
    }
    write("comparison with normal, by exemplars and by cameras", body, chosen.out)


def by_exemplars(count: int, frames: int) -> dict[str, Any]:
    """One vector, and four of a frame, against a bank of so many vectors of 1,536."""
    bank = StreamBank(noise(SEEDS, 1, -(-count // SEEDS), DIM))
    features = {n: Features.ungrouped(noise(n, DIM), np.zeros((n, 4), np.float32)) for n in (1, 4)}
    return {f"{n} vectors": timed([bank], of, frames) for n, of in features.items()}


def by_cameras(counts: list[int], frames: int) -> list[dict[str, Any]]:
    """Motion banks of so many cameras, whose frames come in turns; memory of one bank as it is loaded and used."""
    boxes, groups = np.zeros((CELLS, 4), np.float32), np.arange(CELLS, dtype=np.int32)
    features = Features(noise(CELLS, DIRECTIONS), boxes, groups)
    before_mib, rows = peak_mib(os.getpid()), []
    banks: list[StreamBank] = []
    for count in sorted(counts):
        while len(banks) < count:
            banks.append(StreamBank(noise(SEEDS, CELLS, MotionOptions().exemplars, DIRECTIONS)))
        cost = timed(banks, features, max(frames, 2 * count))
        mib = (peak_mib(os.getpid()) - before_mib) / count
        rows.append({"cameras": count, "ms": cost, "mib_per_bank": round(mib, 1)})
    return rows


def timed(banks: list[StreamBank], features: Features, frames: int) -> dict[str, float]:
    for bank in banks:
        frame_distance(bank, features)
    taken_ms = []
    for number in range(frames):
        start = time.perf_counter()
        frame_distance(banks[number % len(banks)], features)
        taken_ms.append(1000 * (time.perf_counter() - start))
    return spread(taken_ms)


def noise(*shape: int) -> NDArray[np.float32]:
    return np.random.default_rng(0).random(shape, np.float32)


if __name__ == "__main__":
    main()
