"""What this machine can do: the denominators of the other benchmarks.

``python -m bench.limits`` writes ``bench/results/limits-cpu.json`` (``-cuda`` on a GPU): matrix products, memory
bandwidth, each network's bare forward rate by batch size on random tensors, decoding, JPEG and Redis; of what cannot be
had here the record says so. CLIP weights are RANDOM: they cost what trained ones cost.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]  # also when run as a file

import torch  # noqa: E402
from ingest_rig import write_video  # noqa: E402

from bench.measure import DATA, RESULTS, save, spread, write  # noqa: E402
from models.networks.backbone import Backbone, random_trunk  # noqa: E402
from models.networks.detector import load_detector  # noqa: E402
from models.networks.squash import SIDE_PX  # noqa: E402
from models.runtimes.device import Compute, choose_compute  # noqa: E402
from models.runtimes.runtime import Run  # noqa: E402
from patchwatch.bus.connection import connect  # noqa: E402
from patchwatch.contract.errors import PatchwatchError  # noqa: E402
from patchwatch.local_redis.private_server import private_redis  # noqa: E402
from workers.media import jpeg_codec  # noqa: E402
from workers.media.container import VideoOptions  # noqa: E402
from workers.media.video import Video  # noqa: E402

GEMM = {"cpu": 2048, "cuda": 8192}  # on a GPU a small product times its launch
SIZES = {"360p": (640, 360), "720p": (1280, 720), "1080p": (1920, 1080)}
JPEG_BYTES = 24_000
WHAT = "limits of the machine"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    compute = choose_compute(chosen.device)
    parts: dict[str, Callable[[], dict[str, Any]]] = {
        "gemm_tflop_per_s": lambda: gemm(compute, chosen.rounds),
        "memory_gb_per_s": lambda: memory(compute, chosen.rounds),
        "forward_pictures_per_s": lambda: forward(compute, chosen),
        "decode_frames_per_s_one_core": lambda: decoding(chosen.rounds),
        "jpeg_ms_one_core": lambda: jpeg(chosen.rounds),
        "redis_frames_per_s_one_client": lambda: redis_rate(chosen.rounds),
    }
    out = chosen.out or RESULTS / f"limits-{chosen.device}.json"
    body: dict[str, Any] = {"device": compute.name, "threads": torch.get_num_threads()}
    for name, measured in parts.items():
        body[name] = or_absent(measured)
        save(WHAT, body, out)
    write(WHAT, body, out)


def or_absent(measured: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What was measured, or why it could not be: a part is absent here."""
    try:
        return measured()
    except (OSError, ImportError, PatchwatchError) as error:
        return {"absent": str(error).splitlines()[0][:200]}


def rates(step: Callable[[], object], units: float, rounds: int) -> dict[str, float]:
    """Units per second of a step that handles so many, after one warm-up."""
    seconds = []
    for number in range(rounds + 1):
        start = time.perf_counter()
        step()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        if number:
            seconds.append(time.perf_counter() - start)
    return spread([units / value for value in seconds])


def gemm(compute: Compute, rounds: int) -> dict[str, Any]:
    figures, side = {}, GEMM[compute.device.type]
    for dtype in (torch.float32, torch.bfloat16, *([torch.float16] if compute.device.type == "cuda" else [])):
        a, b = (torch.rand(side, side, device=compute.device).to(dtype) for _ in range(2))
        figures[str(dtype).removeprefix("torch.")] = rates(partial(torch.matmul, a, b), 2 * side**3 / 1e12, rounds)
    return figures


def memory(compute: Compute, rounds: int) -> dict[str, float]:
    """Reading and writing, of a copy far larger than any cache."""
    source = torch.rand(64_000_000, device=compute.device)
    target = torch.empty_like(source)
    return rates(lambda: target.copy_(source), 2 * source.numel() * 4 / 1e9, rounds)


def forward(compute: Compute, chosen: argparse.Namespace) -> dict[str, Any]:
    backbone = Backbone(random_trunk(0), compute)
    backbone.prepare()
    trunk = backbone.run
    path = chosen.data / "weights" / "yolov5nu-rebuilt.pt"
    networks: dict[str, tuple[Run, tuple[int, ...]]] = {"RN101 to layer3": (trunk, (3, SIDE_PX, SIDE_PX))}
    if path.exists():
        detector = load_detector(path, compute, classes=[], confidence=0.5)
        detector.prepare(max(chosen.batches))
        networks[f"{path.stem} 640x384"] = (detector.run, (3, 384, 640))
    return {
        name: {f"batch {size}": _forward_rate(run, (size, *shape), compute, chosen.rounds) for size in chosen.batches}
        for name, (run, shape) in networks.items()
    }


@torch.inference_mode()
def _forward_rate(run: Run, shape: tuple[int, ...], compute: Compute, rounds: int) -> dict[str, float]:
    inputs = torch.rand(shape, device=compute.device).to(compute.held, memory_format=compute.memory_format)
    return rates(lambda: run(inputs), shape[0], rounds)


def decoding(rounds: int) -> dict[str, Any]:
    """H.264 through our own reader, every frame converted; the footage is synthetic and easy."""
    figures = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, size in SIZES.items():
            path = write_video(Path(folder) / f"{name}.mp4", seconds=4, size=size)
            figures[name] = rates(partial(_decode, path), 100, rounds)
    return figures


def _decode(path: Path) -> None:
    with Video.open(path, options=VideoOptions(analysis_fps=1e6, max_side_px=4096)) as video:
        for _ in video.frames():
            pass


def jpeg(rounds: int) -> dict[str, Any]:
    rgb = np.random.default_rng(0).integers(0, 255, (45, 80, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    data = jpeg_codec.encode(rgb, 85)
    per_ms = {
        "encode 640x360": rates(lambda: [jpeg_codec.encode(rgb, 85) for _ in range(100)], 100, rounds),
        "decode 640x360": rates(lambda: [jpeg_codec.decode(data) for _ in range(100)], 100, rounds),
    }
    return {name: {key: round(1000 / value, 3) for key, value in rate.items()} for name, rate in per_ms.items()}


def redis_rate(rounds: int) -> dict[str, float]:
    """XADD of frames of 24 kB to a private redis-server, one after the other, and trimmed."""
    with private_redis() as url, connect(url) as client:
        fields: dict[Any, Any] = {b"j": bytes(JPEG_BYTES)}
        return rates(lambda: [client.xadd("s", fields, maxlen=64) for _ in range(500)], 500, rounds)


if __name__ == "__main__":
    main()
