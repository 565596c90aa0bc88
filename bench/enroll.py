"""Learning a camera's normal: minutes of footage per minute, and greedy k-center against the plain loop.

``python -m bench.enroll`` writes ``bench/results/enroll.json``. The footage is real (`car-detection`, read as often as
it takes to fill the minutes); the vectors of the k-center are SYNTHETIC.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # also when run as a file

from bench.measure import DATA, RESULTS, in_turns, ratios, spread, write  # noqa: E402
from models.exemplars.coreset import greedy_k_center  # noqa: E402
from patchwatch.contract.settings import Settings, load_settings  # noqa: E402
from workers.analysis.engine_loader import load_engine  # noqa: E402
from workers.analysis.recordings import RecordingReader, learn, recorded_clips  # noqa: E402

CLIP = "car-detection.mp4"
FPS = 5.0
PROFILES = ("motion", "objects")
RATIOS = (0.01, 0.10)
CLUSTERS = 200


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--repeats", type=int, default=4, help="of the clip, in one enrolment")
    parser.add_argument("--vectors", type=int, default=20_000)
    parser.add_argument("--dim", type=int, default=1_536)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=RESULTS / "enroll.json")
    chosen = parser.parse_args()
    settings = load_settings(detector_weights=chosen.data / "weights" / "yolov5nu-rebuilt.pt")
    clips = [chosen.data / "clips" / CLIP] * chosen.repeats
    footage = {name: rate(settings, name, clips, chosen.rounds) for name in PROFILES}
    vectors = clustered(chosen.vectors, chosen.dim)
    rows = [compare(vectors, ratio, chosen.rounds) for ratio in RATIOS]
    k_center = {"shape": list(vectors.shape), "rows": rows}
    write("enrolment, and greedy k-center on synthetic vectors", {"footage": footage, "k_center": k_center}, chosen.out)


def rate(settings: Settings, profile: str, clips: list[Path], rounds: int) -> dict[str, Any]:
    """Minutes of footage learnt per minute: from the files to a calibrated bank."""
    engine, reader = load_engine(settings, profile), RecordingReader.from_settings(settings, FPS)
    taken_s = []
    for _ in range(rounds):
        start_s = time.perf_counter()
        bank = learn(engine, recorded_clips(clips, reader), count=len(clips))
        taken_s.append(time.perf_counter() - start_s)
    minutes = bank.footage.seconds / 60
    return {
        "clip": CLIP, "analysed_fps": FPS, "minutes": round(minutes, 2),
        "minutes_per_minute": spread([60 * minutes / seconds for seconds in taken_s]),
    }  # fmt: skip


def compare(vectors: NDArray[np.float32], ratio: float, rounds: int) -> dict[str, Any]:
    """Both on the same vectors, in turns. The plain loop runs a hundred centres and is scaled up, but once it runs to
    the end to see that the centres are the same.
    """
    count = round(ratio * len(vectors))
    sample = min(count, 100)
    same = np.array_equal(plain(vectors, count, 0), greedy_k_center(vectors, count=count, first=0))
    seconds = in_turns(
        {
            "plain": lambda: plain(vectors, sample, 0),
            "ours": lambda: greedy_k_center(vectors, count=count, first=0),
        },
        rounds,
    )
    seconds["plain"] = [value * count / sample for value in seconds["plain"]]
    return {
        "ratio": ratio, "centres": count, "plain_centres_run": sample, "same_centres": same,
        "seconds": {name: spread(values) for name, values in seconds.items()},
        "times_faster": ratios(seconds, "plain", "ours"),
    }  # fmt: skip


def plain(vectors: NDArray[np.float32], count: int, first: int) -> NDArray[np.int64]:
    """The textbook: each step measures all vectors from the newest centre."""
    nearest = np.full(len(vectors), np.inf, np.float32)
    centres = [first]
    while len(centres) < count:
        nearest = np.minimum(nearest, np.linalg.norm(vectors - vectors[centres[-1]], axis=1))
        centres.append(int(nearest.argmax()))
    return np.array(centres)


def clustered(count: int, dim: int) -> NDArray[np.float32]:
    """Vectors in clusters of different widths, as those of a scene are."""
    generator = np.random.default_rng(0)
    middles = generator.normal(size=(CLUSTERS, dim)).astype(np.float32)
    widths = generator.uniform(0.05, 0.5, CLUSTERS).astype(np.float32)
    of = generator.integers(CLUSTERS, size=count)
    return np.asarray(middles[of] + widths[of, None] * generator.normal(size=(count, dim)), np.float32)


if __name__ == "__main__":
    main()
