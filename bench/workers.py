"""Frames per second, from JPEG to score, of several inference workers that share one device.

``python -m bench.workers --profile motion --workers 1 2 4`` writes ``bench/results/workers-cpu-motion.json``;
``--device cuda --profile clip`` is for a GPU: there Python's part of a frame takes longer than the network's, and
workers in processes of their own, as in production, keep the GPU busy while each prepares and finishes its batches.

A frame is a mosaic of four moments of real footage, so that several persons are in it; how many the record says. With
networks the record holds the bare-forward bound of the same run and where a batch's time goes, by kernel. CLIP weights
are RANDOM.
"""

from __future__ import annotations

import argparse
import multiprocessing
import queue
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # also when run as a file

from bench.engine import BareForward, ours, pictures_per_frame  # noqa: E402
from bench.measure import DATA, RESULTS, save, spread, write  # noqa: E402
from models.engine.engine import Engine  # noqa: E402
from patchwatch.contract.settings import Settings, load_settings  # noqa: E402
from workers.analysis.engine_loader import load_engine  # noqa: E402
from workers.analysis.recordings import RecordingReader, learn, recorded_clips  # noqa: E402
from workers.media import jpeg_codec  # noqa: E402

CLIP = "one-by-one-person-detection.mp4"
FPS = 5.0
LEARNT_S = 20.0
PATIENCE_S = 120.0  # with workers that say nothing, before it fails
KERNELS = 15  # of the trace
WHAT = "frames per second of workers that share a device"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--profile", default="motion")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--frames", type=int, default=64, help="of each worker in each round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-trace", action="store_true", help="leave out where the time goes")
    parser.add_argument("--fused", action="store_true", help="PATCHWATCH_CUDA_FUSED")
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    body = {"profile": chosen.profile, "batch": chosen.batch, "fused": chosen.fused, "random_clip_weights": True}
    body |= alone(chosen)
    release_memory(chosen)
    out = chosen.out or RESULTS / f"workers-{chosen.device}-{chosen.profile}.json"
    body["frames_per_s"] = {}
    for count in chosen.workers:
        body["frames_per_s"][f"{count} workers"] = spread(together(count, chosen))
        save(WHAT, body, out)
    if bound := body.get("bound_frames_per_s"):
        best = max(rate["median"] for rate in body["frames_per_s"].values())
        body["share_of_bound"] = round(best / bound["median"], 3)
    write(WHAT, body, out)


def settings_of(chosen: argparse.Namespace) -> Settings:
    detector = chosen.data / "weights" / "yolov5nu-rebuilt.pt"
    return load_settings(
        detector_weights=detector, random_clip_weights=True, device=chosen.device, cuda_fused=chosen.fused
    )


def mosaics(chosen: argparse.Namespace) -> list[bytes]:
    """Frames of the footage's own size, each of four moments a quarter of the footage apart."""
    settings = settings_of(chosen)
    with RecordingReader.from_settings(settings, FPS).open(chosen.data / "clips" / CLIP) as video:
        frames = [sampled.rgb[::2, ::2] for sampled in video.frames()]
    apart = len(frames) // 4
    result = []
    for number in range(chosen.frames):
        one, two, three, four = (frames[(number + part * apart) % len(frames)] for part in range(4))
        mosaic = np.vstack([np.hstack([one, two]), np.hstack([three, four])])
        result.append(jpeg_codec.encode(mosaic, settings.jpeg_quality))
    return result


def alone(chosen: argparse.Namespace) -> dict[str, Any]:
    """What one process says of the frames, the bound, and where the time goes."""
    engine, jpegs = load_engine(settings_of(chosen), chosen.profile), mosaics(chosen)
    engine.prepare(chosen.batch)
    width, height = jpeg_codec.decode(jpegs[0]).shape[1::-1]
    facts: dict[str, Any] = {"device": engine.device, "frame": f"{width}x{height}"}
    if not engine.profile.needs_detector:
        return facts
    pictures = pictures_per_frame(engine, jpegs)
    bare = BareForward(engine, (width, height), len(jpegs), pictures)
    bare.seconds()
    facts["pictures_through_the_trunk_per_frame"] = round(pictures, 2)
    facts["bound_frames_per_s"] = spread([len(jpegs) / bare.seconds() for _ in range(chosen.rounds)])
    if not chosen.no_trace:
        facts["trace"] = trace(engine, jpegs, chosen)
    return facts


def trace(engine: Engine, jpegs: Sequence[bytes], chosen: argparse.Namespace) -> list[dict[str, Any]]:
    """The kernels (on a CPU: the operators) that took most of a pass, with their share of all."""
    import torch

    bank = _learnt(engine, chosen)
    ours(engine, bank, jpegs, chosen.batch)
    activity = torch.profiler.ProfilerActivity
    kinds = [activity.CPU, *([activity.CUDA] if chosen.device == "cuda" else [])]
    with torch.profiler.profile(activities=kinds) as profiler:
        ours(engine, bank, jpegs, chosen.batch)
    name = "self_device_time_total" if chosen.device == "cuda" else "self_cpu_time_total"
    events = [(getattr(event, name), event.key, event.count) for event in profiler.key_averages()]
    total = sum(us for us, _, _ in events) or 1.0
    top = sorted(events, reverse=True)[:KERNELS]
    return [{"kernel": key[:100], "calls": count, "share": round(us / total, 3)} for us, key, count in top]


def release_memory(chosen: argparse.Namespace) -> None:
    """What this process keeps of the device's memory for itself: the workers need it."""
    if chosen.device == "cuda":
        import gc

        import torch

        gc.collect()
        torch.cuda.empty_cache()


def together(count: int, chosen: argparse.Namespace) -> list[float]:
    """Frames per second of all of so many workers, in each round; the first is not counted."""
    context = multiprocessing.get_context("spawn")
    start, results = context.Barrier(count, timeout=PATIENCE_S), context.Queue()
    crew = [context.Process(target=_work, args=(chosen, start, results), daemon=True) for _ in range(count)]
    for worker in crew:
        worker.start()
    try:
        spans = [_next(results, crew) for _ in range(count * (chosen.rounds + 1))]
    finally:
        for worker in crew:
            worker.join(timeout=1.0)
            worker.kill()
    rates = []
    for number in range(1, chosen.rounds + 1):
        of = [(began, ended) for at, began, ended in spans if at == number]
        rates.append(count * chosen.frames / (max(ended for _, ended in of) - min(began for began, _ in of)))
    return rates


def _next(results: Any, crew: Sequence[BaseProcess]) -> tuple[int, float, float]:
    """What some worker says next. Raises RuntimeError once one has died, or after `PATIENCE_S` of silence."""
    deadline_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline_s:
        with suppress(queue.Empty):
            said: tuple[int, float, float] = results.get(timeout=1.0)
            return said
        dead = [worker.exitcode for worker in crew if worker.exitcode]
        if dead:
            raise RuntimeError(f"{len(dead)} of {len(crew)} workers died, the first with {dead[0]}: see above")
    raise RuntimeError(f"the workers said nothing for {PATIENCE_S:g} s")


def _work(chosen: argparse.Namespace, start: Barrier, results: Any) -> None:
    engine, jpegs = load_engine(settings_of(chosen), chosen.profile), mosaics(chosen)
    engine.prepare(chosen.batch)
    bank = _learnt(engine, chosen)
    for number in range(chosen.rounds + 1):
        start.wait()
        began = time.perf_counter()  # one clock for all processes
        ours(engine, bank, jpegs, chosen.batch)
        results.put((number, began, time.perf_counter()))


def _learnt(engine: Engine, chosen: argparse.Namespace) -> Any:
    reader = replace(RecordingReader.from_settings(settings_of(chosen), FPS), limit_s=LEARNT_S)
    return learn(engine, recorded_clips([chosen.data / "clips" / CLIP], reader), count=1, thumbnails_mb=0.0)


if __name__ == "__main__":
    main()
