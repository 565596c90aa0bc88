"""What it costs and what it loses to let still frames pass the networks once a second only.

``python -m bench.stillness`` writes ``bench/results/stillness.json``: for each PATCHWATCH_STILL_TOLERANCE the share of
frames that pass the detector of the `objects` profile, how much faster detector and optical flow are together in turns
with 0, how many of the objects found at 0 are found in each frame still (same label, boxes that overlap by half), and
on UCSD Ped2 AUROC and events, learnt and scored with the same tolerance.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torchvision.ops import box_iou

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # also when run as a file

from bench.measure import DATA, RESULTS, in_turns, ratios, write  # noqa: E402
from models.engine.engine import Engine  # noqa: E402
from models.frames.detections import Detections  # noqa: E402
from models.frames.frame import CameraContext, Frame  # noqa: E402
from models.frames.frame_reuse import FrameReuse  # noqa: E402
from models.streams.frame_batch import FrameBatch  # noqa: E402
from patchwatch.contract.settings import Settings, load_settings  # noqa: E402
from patchwatch.evaluation.evaluation import evaluate, load_dataset  # noqa: E402
from workers.analysis.engine_loader import load_engine  # noqa: E402
from workers.analysis.recordings import RecordingReader  # noqa: E402

CLIPS = ("one-by-one-person-detection.mp4", "car-detection.mp4", "motorway-cyclist.avi")
FPS = 5.0
BATCH = 8
SAME = 0.5  # overlap, intersection over union


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--tolerances", type=float, nargs="+", default=[1.0, 2.0, 4.0, 6.0, 10.0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=RESULTS / "stillness.json")
    chosen = parser.parse_args()
    settings = load_settings(detector_weights=chosen.data / "weights" / "yolov5nu-rebuilt.pt", device="cpu")
    engine = load_engine(settings, "objects")
    body = {
        "profile": "objects", "device": engine.device, "analysed_fps": FPS,
        "clips": {name: clip(engine, settings, chosen.data / "clips" / name, chosen) for name in CLIPS},
        "ped2": {f"{t:g}": ped2(engine, settings, chosen.data / "ucsd_ped2", t) for t in (0.0, *chosen.tolerances)},
    }  # fmt: skip
    write("still frames: cost and recall", body, chosen.out)


def clip(engine: Engine, settings: Settings, path: Path, chosen: argparse.Namespace) -> dict[str, Any]:
    reader = RecordingReader.from_settings(settings, FPS)
    with reader.open(path) as video:
        frames = [frame for batch in reader.batches(video) for _, frame in batch]
    tolerances = (0.0, *chosen.tolerances)
    seconds = in_turns({f"{t:g}": partial(detect, engine, frames, t) for t in tolerances}, chosen.rounds)
    everything, _ = detect(engine, frames, 0.0)
    rows: dict[str, Any] = {"frames": len(frames), "objects": sum(map(len, everything))}
    for tolerance in chosen.tolerances:
        result, passed = detect(engine, frames, tolerance)
        rows[f"{tolerance:g}"] = {
            "share_that_pass": round(passed / len(frames), 3), "recall": round(recall(everything, result), 4),
            "times_faster": ratios(seconds, "0", f"{tolerance:g}"),
        }  # fmt: skip
    return rows


def detect(engine: Engine, frames: Sequence[Frame], tolerance: float) -> tuple[list[Detections], int]:
    """Detections of each frame, in batches of one camera, and how many passed the detector. Flow runs on all."""
    view, stillness, passed = CameraContext(), FrameReuse(tolerance), 0
    detectionses: list[Detections] = []
    for at in range(0, len(frames), BATCH):
        batch = frames[at : at + BATCH]
        perception = FrameBatch(batch, [view] * len(batch), engine._networks, stillness)
        detectionses += perception.detections
        passed += len(perception._fresh_frames)
        _ = perception.flows
    return detectionses, passed


def recall(everything: Sequence[Detections], reused: Sequence[Detections]) -> float:
    """Share of the objects in ``everything`` that ``reused`` holds too, frame by frame."""
    hold_last = total = 0
    for wanted, got in zip(everything, reused, strict=True):
        total += len(wanted)
        if len(wanted) and len(got):
            overlap = box_iou(torch.from_numpy(wanted.boxes_xyxy_px), torch.from_numpy(got.boxes_xyxy_px)).numpy()
            same = np.array(wanted.labels)[:, None] == np.array(got.labels)[None]
            hold_last += int(((overlap >= SAME) & same).any(axis=1).sum())
    return hold_last / total if total else 1.0


def ped2(engine: Engine, settings: Settings, folder: Path, tolerance: float) -> dict[str, Any]:
    engine._reuse = FrameReuse(tolerance)
    reader = RecordingReader.from_settings(settings, FPS)
    dataset = load_dataset(folder / "training", folder / "testing", reader, folder / "labels.json")
    summary = evaluate(engine, dataset, reader, false_alarms_per_day=settings.false_alarms_per_day, folds=0).summary()
    strict = summary["budgets"][0]
    return {
        "micro_auroc": round(summary["protocols"]["service"]["micro_auroc"], 4),
        "macro_auroc": round(summary["protocols"]["service"]["macro_auroc"], 4),
        **{name: strict[name] for name in ("labelled", "detected", "false_alarms", "delay_median_s")},
    }


if __name__ == "__main__":
    main()
