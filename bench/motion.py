"""Cost of the motion stream for each frame, its enrolment, and its AUROC on UCSD Ped2.

``python -m bench.motion [--data FOLDER]`` writes ``bench/results/motion.json``. Without the data only the costs.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # also when run as a file

from bench.measure import DATA, RESULTS, write  # noqa: E402
from models.banks.bank_builder import BankBuilder  # noqa: E402
from models.engine.engine import Engine  # noqa: E402
from models.engine.frame_scorer import FrameScorer  # noqa: E402
from models.frames.frame import CameraContext, Frame  # noqa: E402
from models.profiles.profile import load_profile  # noqa: E402
from patchwatch.contract.settings import load_settings  # noqa: E402
from patchwatch.evaluation.evaluation import evaluate, load_dataset  # noqa: E402
from workers.analysis.recordings import RecordingReader  # noqa: E402

RESULT = RESULTS / "motion.json"
SIZE = (640, 360)
WARM_UP, FRAMES = 50, 300
FPS = 5.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--out", type=Path, default=RESULT)
    chosen = parser.parse_args()
    cv2.setNumThreads(1)
    write("motion stream", {"cost": cost(), "ped2": ped2(chosen.data / "ucsd_ped2")}, chosen.out)


def cost() -> dict[str, Any]:
    """Processor time on one thread, which other programs on the machine disturb less than wall time."""
    engine, view = Engine(load_profile("motion")), CameraContext()
    frames = [Frame(_picture(n), n / FPS) for n in range(FRAMES + WARM_UP)]
    learner = BankBuilder(engine.profile, engine.streams, engine.identity)
    extracted, features = _timed(lambda n: engine.extract([frames[n]], [view])[0])
    for frame, frame_features in zip(frames[:300], features, strict=False):
        learner.add(frame.at_s, frame_features, frame.rgb)
    start = time.process_time()
    bank = learner.build(["synthetic"])
    learnt_s = time.process_time() - start
    scorer = FrameScorer(bank)
    scored, _ = _timed(lambda n: scorer.score(features[n], frames[n].at_s))
    return {
        "frame": f"{SIZE[0]}x{SIZE[1]}",
        "warm_up_frames": WARM_UP,
        "frames": FRAMES,
        "unit": "ms of processor time per frame",
        "extract": extracted,
        "score": scored,
        "frames_per_second_per_core": round(1000 / (extracted["median"] + scored["median"]), 1),
        "learn_60_s_of_footage_s_of_processor_time": round(learnt_s, 2),
    }


def ped2(folder: Path) -> dict[str, Any] | None:
    """Areas at the service's default rate and at the recordings' own."""
    if not folder.is_dir():
        return None
    settings, results = load_settings(), {}
    for fps in (FPS, 10.0):
        reader = RecordingReader.from_settings(settings, fps)
        dataset = load_dataset(folder / "training", folder / "testing", reader, folder / "labels.json")
        engine, per_day = Engine(load_profile("motion")), settings.false_alarms_per_day
        results[f"{fps:g} fps"] = evaluate(engine, dataset, reader, false_alarms_per_day=per_day).summary()
    return results


def _timed(step: Callable[[int], Any]) -> tuple[dict[str, float], list[Any]]:
    spent_ms, results = [], []
    for n in range(WARM_UP + FRAMES):
        start = time.process_time()
        results.append(step(n))
        spent_ms.append((time.process_time() - start) * 1e3)
    p10, median, p90, p99 = np.percentile(spent_ms[WARM_UP:], [10, 50, 90, 99]).round(3).tolist()
    return {"median": median, "p10": p10, "p90": p90, "p99": p99}, results


def _picture(number: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Textured discs that move over a textured ground, each in its own direction."""
    width, height = SIZE
    generator = np.random.default_rng(1)
    coarse = generator.integers(0, 255, (height // 8, width // 8, 3), dtype=np.uint8)
    picture = np.asarray(cv2.resize(coarse, SIZE, interpolation=cv2.INTER_CUBIC), np.uint8)
    for disc in range(8):
        speed = generator.uniform(-9, 9, 2)
        start = generator.uniform((0, 0), SIZE)
        x, y = (start + number * speed) % SIZE
        cv2.circle(picture, (int(x), int(y)), 24, tuple(int(v) for v in generator.integers(0, 255, 3)), -1)
        cv2.circle(picture, (int(x) + 6, int(y) - 6), 8, (255 - 20 * disc, 20 * disc, 90), -1)
    return picture


if __name__ == "__main__":
    main()
