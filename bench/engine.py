"""Frames per second of each profile, from JPEG bytes to fused score, on real footage with real persons.

``python -m bench.engine`` writes ``bench/results/engine-cpu.json`` (``-cuda`` on a GPU): each profile by batch size,
the ``reference`` profile against the loop of `bench.reference` and against anomalib's PatchCore, in turns, and each
profile that uses networks as a share of what their bare forward passes on random tensors allow. CLIP weights and those
of anomalib's backbone are RANDOM: they cost what trained ones cost, and the scores say nothing.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # also when run as a file

import torch  # noqa: E402

from bench.measure import DATA, RESULTS, in_turns, ratios, save, spread, write  # noqa: E402
from bench.patchcore import Anomalib, anomalib  # noqa: E402
from bench.reference import SEEDS, ReferenceLoop  # noqa: E402
from models.banks.bank import Bank  # noqa: E402
from models.engine.engine import Engine  # noqa: E402
from models.engine.frame_scorer import FrameScorer  # noqa: E402
from models.frames.frame import CameraContext, Frame  # noqa: E402
from models.networks.detector import Letterbox  # noqa: E402
from models.networks.squash import SIDE_PX  # noqa: E402
from models.runtimes.device import Compute  # noqa: E402
from models.runtimes.runtime import Run  # noqa: E402
from patchwatch.contract.settings import Settings, load_settings  # noqa: E402
from workers.analysis.engine_loader import load_engine  # noqa: E402
from workers.analysis.recordings import RecordingReader, learn, recorded_clips  # noqa: E402
from workers.media import jpeg_codec  # noqa: E402

CLIP = "one-by-one-person-detection.mp4"
FPS = 5.0
PROFILES = ("motion", "objects", "clip", "reference")
OTHERS = {
    "loop": "bench/reference.py: RN101 to its end, YOLO by ultralytics' predict, fp32, for each seed, 8 of the frames",
    "anomalib": "PatchCore 2.7.0 as it comes: WideResNet50 at 256x256, fp32, anomaly maps; the whole frame, no persons",
}
LOOP_FRAMES = 8  # of the plain loop in a round
WHAT = "frames per second from JPEG to score"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--detector", type=Path, help="checkpoint; default: the one of the test data")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--frames", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--profiles", nargs="+", default=list(PROFILES))
    parser.add_argument("--no-anomalib", action="store_true", help="leave that comparison out")
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    detector = chosen.detector or chosen.data / "weights" / "yolov5nu-rebuilt.pt"
    settings = load_settings(detector_weights=detector, random_clip_weights=True, device=chosen.device)
    footage = chosen.data / "clips" / CLIP
    jpegs = jpegs_of(footage, settings, chosen.frames)
    size = jpeg_codec.decode(jpegs[0]).shape[1::-1]
    out = chosen.out or RESULTS / f"engine-{chosen.device}.json"
    rows: dict[str, dict[str, Any]] = {}
    for name in chosen.profiles:
        rows[name] = profile(name, settings, footage, jpegs, chosen)
        save(WHAT, record(rows, size, len(jpegs)), out)
    write(WHAT, record(rows, size, len(jpegs)), out)


def record(rows: dict[str, dict[str, Any]], size: Sequence[int], frames: int) -> dict[str, Any]:
    faster = rows.get("reference", {}).get("times_faster", {})
    return {
        "footage": f"{CLIP}, {frames} frames with persons at {FPS:g} fps", "frame": "x".join(map(str, size)),
        "random_clip_weights": True,
        "frames_per_s": {name: row["frames_per_s"][row["best"]] for name, row in rows.items()},
        "share_of_bound": {name: row["share_of_bound"] for name, row in rows.items() if "share_of_bound" in row},
        "ratios": {f"reference_vs_{other}": ratio for other, ratio in faster.items()},
        "compared_with": OTHERS, "profiles": rows,
    }  # fmt: skip


def jpegs_of(footage: Path, settings: Settings, count: int) -> list[bytes]:
    """Frames as the ingest worker queues them, from where the first person stands in the picture."""
    with RecordingReader.from_settings(settings, FPS).open(footage) as video:
        later = (sampled.rgb for sampled in video.frames() if sampled.media_time_s >= 9.0)
        return [jpeg_codec.encode(rgb, settings.jpeg_quality) for rgb in islice(later, count)]


def profile(
    name: str, settings: Settings, footage: Path, jpegs: Sequence[bytes], chosen: argparse.Namespace
) -> dict[str, Any]:
    engine = load_engine(settings, name)
    engine.prepare(max(chosen.batches))
    reader = replace(RecordingReader.from_settings(settings, FPS), limit_s=20.0)
    bank = learn(engine, recorded_clips([footage], reader), count=1, thumbnails_mb=0.0)
    frames: dict[str, int] = {f"batch {size}": len(jpegs) for size in chosen.batches}
    programs: dict[str, Callable[[], object]] = {
        f"batch {size}": partial(ours, engine, bank, jpegs, size) for size in chosen.batches
    }
    pictures = pictures_per_frame(engine, jpegs)
    if engine.profile.needs_detector:
        height, width = jpeg_codec.decode(jpegs[0]).shape[:2]
        programs["bound"] = BareForward(engine, (width, height), len(jpegs), pictures).seconds
    if name == "reference" and engine.device.startswith("cpu"):  # the others run on the CPU
        some = jpegs[:: max(1, len(jpegs) // LOOP_FRAMES)]
        loop = ReferenceLoop(settings.detector_weights or Path(), _banks(bank), torch.get_num_threads())
        programs["loop"], frames["loop"] = lambda: loop.run(some), len(some)
    with others(name, footage, settings, jpegs, chosen) as patchcore:
        if patchcore:
            programs["anomalib"] = lambda: patchcore.ask("score", size=max(chosen.batches))
        seconds = in_turns(programs, chosen.rounds)
    per_frame = {n: [s / frames.get(n, len(jpegs)) for s in of] for n, of in seconds.items()}
    best = min((n for n in per_frame if n.startswith("batch")), key=lambda n: float(np.median(per_frame[n])))
    row: dict[str, Any] = {
        "device": engine.device, "threads": torch.get_num_threads(), "best": best,
        "pictures_through_the_trunk_per_frame": round(pictures, 2),
        "frames_per_s": {n: spread([1 / s for s in of]) for n, of in per_frame.items()},
        "frames_per_core_and_s": len(jpegs) / processor_s(programs[best]),
    }  # fmt: skip
    if "bound" in per_frame:
        row["share_of_bound"] = ratios(per_frame, "bound", best)
    row["times_faster"] = {n: ratios(per_frame, n, best) for n in ("loop", "anomalib") if n in per_frame}
    return row


@contextmanager
def others(
    name: str, footage: Path, settings: Settings, jpegs: Sequence[bytes], chosen: argparse.Namespace
) -> Iterator[Anomalib | None]:
    """anomalib's PatchCore, which has learnt a frame a second of the first twenty seconds, with ``jpegs`` loaded."""
    if name != "reference" or chosen.no_anomalib or chosen.device != "cpu":
        yield None
        return
    with anomalib(torch.get_num_threads()) as patchcore, tempfile.TemporaryDirectory() as folder:
        with RecordingReader.from_settings(settings, 1.0).open(footage) as video:
            normal = [jpeg_codec.encode(sampled.rgb, settings.jpeg_quality) for sampled in islice(video.frames(), 20)]
        for kind, pictures in (("normal", normal), ("scored", jpegs)):
            (Path(folder) / kind).mkdir()
            for number, jpeg in enumerate(pictures):
                (Path(folder) / kind / f"{number:04d}.jpg").write_bytes(jpeg)
        patchcore.ask("learn", folder=f"{folder}/normal")
        patchcore.ask("load", folder=f"{folder}/scored")
        yield patchcore


def processor_s(program: Callable[[], object]) -> float:
    """Processor time of one run, over all threads."""
    start = time.process_time()
    program()
    return time.process_time() - start


def ours(engine: Engine, bank: Bank, jpegs: Sequence[bytes], size: int) -> None:
    """From JPEG bytes to scores and events, as the inference worker does it."""
    scorer, context = FrameScorer(bank), CameraContext()
    for start in range(0, len(jpegs), size):
        frames = [
            Frame(jpeg_codec.decode(jpeg), (start + n) / FPS) for n, jpeg in enumerate(jpegs[start : start + size])
        ]
        for frame, features in zip(frames, engine.extract(frames, [context] * len(frames)), strict=True):
            scorer.score(features, frame.at_s)


def pictures_per_frame(engine: Engine, jpegs: Sequence[bytes]) -> float:
    """Mean number of pictures that go through the trunk: the frame itself and its crops."""
    if not engine.profile.needs_backbone:
        return 0.0
    frames = [Frame(jpeg_codec.decode(jpeg), n / FPS) for n, jpeg in enumerate(jpegs)]
    batch = engine.batch(frames, [CameraContext()] * len(frames))
    return 1.0 + sum(len(item.labels) for item in batch.crops) / len(frames)


class BareForward:
    """The forward passes alone, in the batches that are fastest here, on random tensors on the device already."""

    def __init__(self, engine: Engine, size: tuple[int, int], frames: int, pictures: float) -> None:
        networks = engine._networks  # the bound is of exactly what the engine runs
        assert networks is not None
        assert networks._detector is not None
        self._passes: list[tuple[Run, torch.Tensor, float]] = []
        letterbox = Letterbox.for_picture(size[1], size[0], networks._detector._stride)
        shape = (3, letterbox.input_height, letterbox.input_width)
        self._add(networks._detector.run, networks._detector.compute, shape, frames)
        if pictures:
            assert networks._backbone is not None
            shape = (3, SIDE_PX, SIDE_PX)
            self._add(networks._backbone.run, networks._backbone.compute, shape, frames * pictures)

    def _add(self, run: Run, compute: Compute, shape: tuple[int, ...], pictures: float) -> None:
        sizes = (4, 8, 16) if compute.device.type == "cpu" else (16, 64, 256)
        of = [torch.rand((size, *shape), device=compute.device) for size in sizes]
        of = [inputs.to(compute.held, memory_format=compute.memory_format) for inputs in of]
        fastest = min(of, key=lambda inputs: min(_seconds(run, inputs, 1) for _ in range(3)) / len(inputs))
        self._passes.append((run, fastest, pictures / len(fastest)))

    @torch.inference_mode()
    def seconds(self) -> float:
        """Of all passes; a part of a pass counts in proportion."""
        total = 0.0
        for run, inputs, times in self._passes:
            whole = max(1, round(times))
            total += _seconds(run, inputs, whole) * times / whole
        return total


@torch.inference_mode()
def _seconds(run: Run, inputs: torch.Tensor, times: int) -> float:
    start = time.perf_counter()
    for _ in range(times):
        run(inputs)
    if inputs.is_cuda:
        torch.cuda.synchronize()
    return time.perf_counter() - start


def _banks(bank: Bank) -> list[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]:
    by_name = {spec.name: stream for spec, stream in zip(bank.profile.streams, bank.streams, strict=True)}
    return [(by_name["global"].vectors[n, 0], by_name["local"].vectors[n, 0]) for n in range(len(SEEDS))]


if __name__ == "__main__":
    main()
