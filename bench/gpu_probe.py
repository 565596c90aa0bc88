"""Does the CUDA path do on this GPU what it is written to do? The first thing that `bench/gpu.sh` asks.

``python -m bench.gpu_probe`` records every batch size of both networks as the inference worker does, plain and fused,
compares each with the module run eagerly, and writes seconds, memory, gaps and what failed to
``bench/results/gpu-probe.json``. It ends with an error when a recording failed or a gap is wide. ``--device cpu`` takes
the same steps without graphs. CLIP weights are RANDOM.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # also when run as a file

import torch  # noqa: E402

from bench.measure import DATA, RESULTS, write  # noqa: E402
from models.networks.backbone import Backbone, random_trunk  # noqa: E402
from models.networks.detector import load_detector  # noqa: E402
from models.networks.squash import SIDE_PX  # noqa: E402
from models.runtimes.cuda_graphs import BUCKETS, CudaGraphs  # noqa: E402
from models.runtimes.device import Compute, choose_compute  # noqa: E402
from models.runtimes.runtime import Eager, Run  # noqa: E402

WIDE = 2e-2  # of an output's length, in half precision: more is another result, not another rounding
WIDE_SHAPE = (3, 384, 640)
Shape = tuple[int, int, int]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--most", type=int, default=256, help="pictures of the largest batch")
    parser.add_argument("--out", type=Path, default=RESULTS / "gpu-probe.json")
    chosen = parser.parse_args()
    rows = [probe(*network, chosen.most) for network in networks(chosen)]
    body = {"device": choose_compute(chosen.device).name, "random_clip_weights": True, "networks": rows}
    write("recording the networks as CUDA graphs", body, chosen.out)
    if broken := [row["network"] for row in rows if row["failed"] or row["eager"] or row["widest_gap"] > WIDE]:
        sys.exit(f"not as it should be: {', '.join(broken)}")


def networks(chosen: argparse.Namespace) -> Iterator[tuple[str, Run, Compute, Shape]]:
    for fused in (False, True) if chosen.device == "cuda" else (False,):
        compute = choose_compute(chosen.device, cuda_fused=fused)
        name = f"RN101 to layer3{', fused' if fused else ''}"
        yield name, Backbone(random_trunk(0), compute).run, compute, (3, SIDE_PX, SIDE_PX)
    path = chosen.data / "weights" / "yolov5nu-rebuilt.pt"
    if path.exists():
        compute = choose_compute(chosen.device)
        yield path.stem, load_detector(path, compute, classes=(), confidence=0.5).run, compute, WIDE_SHAPE


@torch.inference_mode()
def probe(name: str, run: Run, compute: Compute, shape: Shape, most: int) -> dict[str, Any]:
    most = min(most, 64) if shape == WIDE_SHAPE else most
    before, start = memory_mb(), time.perf_counter()
    run.prepare(shape, most)
    row = {
        "network": name, "recorded_in_s": round(time.perf_counter() - start, 2),
        "memory_mb": round(memory_mb() - before, 1), "failed": run.failed,
    }  # fmt: skip
    gaps = {str(size): gap(run, compute, shape, size) for size in (*(b for b in BUCKETS if b <= most), min(66, most))}
    return row | {"eager": run.eager, "gap_by_pictures": gaps, "widest_gap": max(gaps.values())}


def gap(run: Run, compute: Compute, shape: Shape, count: int) -> float:
    """How far a batch's outputs lie from those of the module run eagerly, one picture at a time, as a share."""
    module = run._held if isinstance(run, CudaGraphs) else run
    assert isinstance(module, Eager)
    pictures = torch.rand((count, *shape), generator=torch.Generator().manual_seed(count)).to(compute.device)
    some = range(0, count, max(1, count // 4))
    alone = torch.cat([module(pictures[number : number + 1]) for number in some]).float()
    together = run(pictures)[list(some)].float()
    return round(float((together - alone).norm() / alone.norm()), 6)


def memory_mb() -> float:
    return torch.cuda.memory_reserved() / 2**20 if torch.cuda.is_available() else 0.0


if __name__ == "__main__":
    main()
