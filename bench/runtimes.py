"""torch against OpenVINO on this machine's CPU, in turns.

``python -m bench.runtimes`` writes ``bench/results/runtimes.json``: each network's forward passes by batch size on
random tensors, and whole profiles from JPEG bytes to fused score on real footage. Both run in the precision the
product chooses here. CLIP weights are RANDOM: they cost what trained ones cost.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # also when run as a file

import torch  # noqa: E402

from bench.engine import CLIP, jpegs_of, ours  # noqa: E402
from bench.measure import DATA, RESULTS, in_turns, ratios, spread, write  # noqa: E402
from models.networks.backbone import Backbone, random_trunk  # noqa: E402
from models.networks.detector import load_detector  # noqa: E402
from models.networks.squash import SIDE_PX  # noqa: E402
from models.runtimes.device import choose_compute  # noqa: E402
from models.runtimes.runtime import Run  # noqa: E402
from patchwatch.contract.settings import load_settings  # noqa: E402
from workers.analysis.engine_loader import load_engine  # noqa: E402
from workers.analysis.recordings import RecordingReader, learn, recorded_clips  # noqa: E402

DEVICES = {"torch": "cpu", "openvino": "openvino"}
PROFILES = ("objects", "clip")
PASSES = 4  # of a network in a round


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--frames", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--out", type=Path, default=RESULTS / "runtimes.json")
    chosen = parser.parse_args()
    body = {"names": {name: choose_compute(device).name for name, device in DEVICES.items()}}
    body |= {"networks_pictures_per_s": networks(chosen), "profiles_frames_per_s": profiles(chosen)}
    write("torch and OpenVINO on a CPU, in turns", body, chosen.out)


def networks(chosen: argparse.Namespace) -> dict[str, Any]:
    path = chosen.data / "weights" / "yolov5nu-rebuilt.pt"
    computes = {name: choose_compute(device) for name, device in DEVICES.items()}
    detectors = {name: load_detector(path, of, classes=[], confidence=0.5).run for name, of in computes.items()}
    trunks = {name: Backbone(random_trunk(0), of).run for name, of in computes.items()}
    side = SIDE_PX
    ratios_by_batch = {}
    kinds = (f"{path.stem} 640x384", detectors, (3, 384, 640)), ("RN101 to layer3", trunks, (3, side, side))
    for network, runs, shape in kinds:
        for size in chosen.batches:
            pictures = torch.rand((size, *shape))
            programs: dict[str, Callable[[], object]] = {
                name: partial(passes, run, pictures) for name, run in runs.items()
            }
            ratios_by_batch[f"{network}, batch {size}"] = compare(programs, PASSES * size, chosen.rounds)
    return ratios_by_batch


@torch.inference_mode()
def passes(run: Run, pictures: torch.Tensor) -> None:
    for _ in range(PASSES):
        run(pictures)


def profiles(chosen: argparse.Namespace) -> dict[str, Any]:
    detector, footage = chosen.data / "weights" / "yolov5nu-rebuilt.pt", chosen.data / "clips" / CLIP
    ratios_by_profile = {}
    for profile in PROFILES:
        programs: dict[str, Callable[[], object]] = {}
        for name, device in DEVICES.items():
            settings = load_settings(detector_weights=detector, random_clip_weights=True, device=device)
            engine, jpegs = load_engine(settings, profile), jpegs_of(footage, settings, chosen.frames)
            bank = learn(
                engine,
                recorded_clips([footage], RecordingReader.from_settings(settings, 1.0)),
                count=1,
                thumbnails_mb=0.0,
            )
            programs[name] = partial(ours, engine, bank, jpegs, 4)
        ratios_by_profile[f"{profile}, batch 4"] = compare(programs, len(jpegs), chosen.rounds)
    return ratios_by_profile


def compare(programs: dict[str, Callable[[], object]], units: int, rounds: int) -> dict[str, Any]:
    seconds = in_turns(programs, rounds)
    rates = {name: spread([units / s for s in of]) for name, of in seconds.items()}
    return rates | {"times_faster": ratios(seconds, "torch", "openvino")}


if __name__ == "__main__":
    main()
