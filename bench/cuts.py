"""Cuts found and cuts imagined, scene by scene, with limits that the scene had no part in choosing.

``python -m bench.cuts [--data FOLDER]`` writes ``bench/results/cuts.json``. Joins are made of random moments of a
scene, at least five seconds apart where they are of one file, and count when they can be seen: when something differs
across them. They matter where optical flow across them is faster than in 99.5 % of the scene's own pictures. Every
other cut is false, but for stalls: the recorder stood still, then jumped. ``held_out``: each scene by the limits that
are best for all the others; a false cut a minute weighs as much as all joins missed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # also when run as a file

from bench.measure import DATA, RESULTS, write  # noqa: E402
from bench.scenes import FPS, TIME_LAPSE, frames_of, scenes  # noqa: E402
from models.frames.frame import CameraContext, Frame  # noqa: E402
from models.frames.optical_flow import FlowEstimator  # noqa: E402
from models.frames.scene_cuts import COLUMNS, ROWS, Change, Limits, Surprise, compare, small  # noqa: E402  # noqa: E402

SEEDS = (7, 8)
PIECE_FRAMES = (15, 50)
APART_FRAMES = round(5 * FPS)
VISIBLE = 0.002  # of the picture
FAST, FASTER_THAN = 0.99, 0.995  # quantile of the speeds in a picture; of the scene's pictures
STALL = 3  # pictures before a jump that are one and the same
GRID = [
    Limits(*chosen)
    for chosen in product(
        (0.002, 0.003, 0.004, 0.006), (0.004, 0.006, 0.01),
        (1.0, 1.5, 2.0), (2.0, 2.5, 3.0, 4.0), (2, 3), (0.0, 0.05, 0.1),
    )
]  # fmt: skip


@dataclass(frozen=True)
class Clip:
    """``small``: the pictures that are judged. ``flow``: the grey ones, 160 across, whose flow is measured."""

    small: list[NDArray[np.uint8]]
    flow: list[NDArray[np.uint8]]
    stalls: frozenset[int]  # pictures before which the recorder stood still


@dataclass(frozen=True)
class Step:
    """From one picture of a sequence to the next."""

    change: Change
    join: bool
    visible: bool
    stalled: bool
    matters: bool
    starts: bool  # a sequence


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--out", type=Path, default=RESULTS / "cuts.json")
    chosen = parser.parse_args()
    cv2.setNumThreads(1)
    steps = {
        name: steps_of([clip_of(path) for path in files])
        for name, files in scenes(chosen.data).items()
        if name != TIME_LAPSE
    }
    result = {limits: {name: judged(of, limits) for name, of in steps.items()} for limits in GRID}
    held_out = {name: chosen_without(name, result) for name in steps}
    write("cuts", {
        "analysed_fps": FPS, "settings_tried": len(GRID), "as_shipped": asdict(Limits()),
        "shipped": result.get(Limits()) or {name: judged(of, Limits()) for name, of in steps.items()},
        "held_out": held_out,
        "means": {"shipped": means(result[Limits()]), "held_out": means(held_out)},
    }, chosen.out)  # fmt: skip


def clip_of(path: Path) -> Clip:
    frames = list(frames_of(path))
    pictures = [small(frame.grey) for frame in frames]
    same = [
        False,
        *(bool((a == b).all() or cv2.absdiff(a, b).max() <= 3) for a, b in pairwise(pictures)),
    ]
    stalls = frozenset(n for n in range(STALL, len(pictures)) if not same[n] and all(same[n - STALL + 1 : n]))
    return Clip(pictures, [_for_flow(frame.rgb) for frame in frames], stalls)


def _for_flow(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.resize(grey, (160, round(160 * grey.shape[0] / grey.shape[1])), interpolation=cv2.INTER_AREA))


def steps_of(clips: Sequence[Clip]) -> list[Step]:
    """Each clip from its start, then joins of random moments, then all clips one after the other."""
    whole = [[(n, at) for at in range(len(clip.small))] for n, clip in enumerate(clips)]
    sequences = [*whole, *(random_joins(clips, np.random.default_rng(seed)) for seed in SEEDS)]
    if len(clips) > 1:
        sequences.append([place for part in whole for place in part])
    speed = float(
        np.quantile(
            [fast(clips[n].flow[at - 1], clips[n].flow[at]) for part in whole for n, at in part[1:]], FASTER_THAN
        )
    )
    return [step for places in sequences for step in steps_in(clips, places, speed)]


def random_joins(clips: Sequence[Clip], rng: np.random.Generator) -> list[tuple[int, int]]:
    """Places, clip and picture, of pieces of clips; those of one clip are not neighbours."""
    lengths = np.array([len(clip.small) for clip in clips])
    pieces = int(np.clip(lengths.sum() // 20, 20, 60))
    places: list[tuple[int, int]] = []
    while pieces:
        n = int(rng.choice(len(clips), p=lengths / lengths.sum()))
        count = min(int(lengths[n]), int(rng.integers(*PIECE_FRAMES)))
        first = int(rng.integers(0, lengths[n] - count + 1))
        near = bool(places) and places[-1][0] == n and abs(first - places[-1][1]) < APART_FRAMES
        if not near:
            places += [(n, first + at) for at in range(count)]
            pieces -= 1
    return places


def steps_in(clips: Sequence[Clip], places: Sequence[tuple[int, int]], speed: float) -> Iterator[Step]:
    moved: NDArray[np.uint8] = np.zeros((ROWS, COLUMNS), np.uint8)
    for number, ((n, at), (m, then)) in enumerate(pairwise(places)):
        change, moved = compare(clips[n].small[at], clips[m].small[then], moved)
        join = (m, then) != (n, at + 1)
        visible = float(moved.mean()) > VISIBLE
        matters = join and visible and fast(clips[n].flow[at], clips[m].flow[then]) > speed
        yield Step(change, join, visible, not join and then in clips[m].stalls, matters, number == 0)


def fast(before: NDArray[np.uint8], now: NDArray[np.uint8]) -> float:
    """The speed of what is quick between two pictures."""
    view = CameraContext()
    frames = [Frame(np.repeat(grey[..., None], 3, axis=2), n / FPS) for n, grey in enumerate((before, now))]
    (flow,) = FlowEstimator().flows(frames, [view] * 2)[1:]
    return 0.0 if flow is None else float(np.quantile(flow.speed, FAST))


def judged(steps: Sequence[Step], limits: Limits) -> dict[str, Any]:
    """What is found of a scene's joins with these limits, and what besides."""
    surprise, told = Surprise(limits), []
    for step in steps:
        surprise = Surprise(limits) if step.starts else surprise
        told.append(surprise.follow(step.change, 1 / FPS))
    joins = [result for step, result in zip(steps, told, strict=True) if step.join and step.visible]
    mattering = [result for step, result in zip(steps, told, strict=True) if step.matters]
    false = sum(result for step, result in zip(steps, told, strict=True) if not step.join and not step.stalled)
    hours = sum(not step.join for step in steps) / FPS / 3600
    return {
        "joins": len(joins), "found": sum(joins), "recall": round(sum(joins) / len(joins), 3),
        "mattering": len(mattering), "mattering_found": sum(mattering),
        "hours": round(hours, 3), "false": false, "false_per_hour": round(false / hours, 1),
        "stalls_told": sum(result for step, result in zip(steps, told, strict=True) if step.stalled),
    }  # fmt: skip


def cost(row: dict[str, Any]) -> float:
    return float(1 - row["recall"] + row["false_per_hour"] / 60)


def chosen_without(name: str, figures: dict[Limits, dict[str, dict[str, Any]]]) -> dict[str, Any]:
    """A scene judged by the limits that are best for all the others."""
    best = min(figures, key=lambda limits: sum(cost(row) for other, row in figures[limits].items() if other != name))
    return figures[best][name] | {"limits": asdict(best)}


def means(rows: dict[str, dict[str, Any]]) -> dict[str, float]:
    """Each scene counts alike; the joins that matter are pooled."""
    mattering = sum(row["mattering"] for row in rows.values())
    return {
        "recall": round(float(np.mean([row["recall"] for row in rows.values()])), 3),
        "recall_where_it_matters": round(sum(row["mattering_found"] for row in rows.values()) / max(1, mattering), 3),
        "false_per_hour": round(float(np.mean([row["false_per_hour"] for row in rows.values()])), 1),
    }


if __name__ == "__main__":
    main()
