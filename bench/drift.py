"""Drift: what is found when nothing changes, and how soon what does.

``python -m bench.drift [--data FOLDER]`` writes ``bench/results/drift.json``. Two views, by the stream of places:

- ``webcam``: a week of stills of a real camera, a quarter of an hour apart. The bank is learnt from the first four
  days; the others are judged in hours of up to four stills, as they are, and with something brought about at the start
  of the last two days.
- ``drawn``: a room that we draw, with day, night, clouds and sensor noise, learnt for two days; the same for five more.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # also when run as a file

from bench.measure import DATA, RESULTS, write  # noqa: E402
from bench.scenes import frames_of  # noqa: E402
from models.alarms.drift import NOMINAL, RARE, TOLERATED, DriftTest, HourShare  # noqa: E402
from models.banks.bank import Bank  # noqa: E402
from models.banks.bank_builder import BankBuilder  # noqa: E402
from models.engine.engine import Engine, NetworkOptions  # noqa: E402
from models.engine.frame_scorer import FrameScorer  # noqa: E402
from models.frames.frame import CameraContext, Frame  # noqa: E402
from models.profiles.profile import Fusion, Profile, StreamKind, StreamSpec  # noqa: E402

Picture = NDArray[np.uint8]
Change = Callable[[Picture, float], Picture]  # of a picture, so many days after it began
HOUR_S, DAY_S = 3600.0, 86_400.0
WIDTH, HEIGHT, AN_HOUR = 320, 180, 12  # of the drawn view; pictures an hour
_BATCH = 16


def shelf(picture: Picture, _: float) -> Picture:
    """A dark box stands there now: a tenth of the width, a quarter of the height."""
    changed, (height, width) = picture.copy(), picture.shape[:2]
    changed[height // 2 : 3 * height // 4, width // 5 : 3 * width // 10] = (60, 40, 30)
    return changed


def nudged(picture: Picture, _: float) -> Picture:
    """The camera looks two hundredths of the width farther to the left."""
    shift = round(0.02 * picture.shape[1])
    return np.concatenate([np.repeat(picture[:, :1], shift, axis=1), picture[:, :-shift]], axis=1)


def season(picture: Picture, days: float) -> Picture:
    """Every day it is a hundredth darker."""
    return _picture(picture * (1.0 - 0.01 * days))


def lamp(picture: Picture, _: float) -> Picture:
    """Another lamp: warmer and darker."""
    return _picture(picture * np.array([0.9, 0.75, 0.6]))


def nothing(picture: Picture, _: float) -> Picture:
    return picture


CHANGES: dict[str, Change] = {
    "nothing": nothing, "shelf": shelf, "nudged": nudged, "season": season, "lamp": lamp,
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--out", type=Path, default=RESULTS / "drift.json")
    chosen = parser.parse_args()
    cv2.setNumThreads(1)
    profile = Profile("places", Fusion.CALIBRATED, (StreamSpec("place", StreamKind.PLACE, 1.0),))
    engine = Engine.load(profile, NetworkOptions(Path("none"), threads=1))
    views = {"webcam": webcam(engine, chosen.data), "drawn": drawn(engine)}
    write("drift", {"nominal": NOMINAL, "tolerated": TOLERATED, "views": views}, chosen.out)


def webcam(engine: Engine, data: Path) -> dict[str, Any]:
    frames = list(frames_of(next((data / "webcam").glob("*.mkv"))))
    quarters = [Frame(frame.rgb, 900.0 * n, discontinuity=True) for n, frame in enumerate(frames)]
    a_day = len(quarters) // 7
    return compared(engine, quarters[: 4 * a_day], quarters[4 * a_day :], 5 * a_day * 900.0)


def drawn(engine: Engine) -> dict[str, Any]:
    frames = [Frame(room(n), n * HOUR_S / AN_HOUR, discontinuity=True) for n in range(7 * 24 * AN_HOUR)]
    learnt = 2 * 24 * AN_HOUR
    return compared(engine, frames[:learnt], frames[learnt:], 4 * DAY_S)


def room(number: int) -> Picture:
    """The picture of a fixed room: textured, lit by the time of day and by clouds, with noise."""
    random, fixed = np.random.default_rng(number), np.random.default_rng(0)
    total = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    for points in (6, 20, 60):
        coarse = fixed.uniform(-1, 1, (points * 9 // 16 + 1, points, 3)).astype(np.float32)
        total += cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    hour = number / AN_HOUR
    light = 0.75 + 0.25 * np.sin(2 * np.pi * hour / 24) + 0.05 * np.sin(hour * 1.7) * np.sin(hour * 0.31)
    noise = random.normal(0, 2.0, (HEIGHT, WIDTH, 1))
    return _picture(light * (120 + 35 * total) + noise)


def _picture(values: NDArray[Any]) -> Picture:
    result: Picture = np.clip(values, 0, 255).astype(np.uint8)
    return result


def compared(engine: Engine, normal: Sequence[Frame], rest: Sequence[Frame], from_s: float) -> dict[str, Any]:
    """What is found with each change from a time on. ``from_s``: of the view's own time."""
    bank = learn(engine, normal)
    result = {name: followed(engine, bank, rest, change, from_s) for name, change in CHANGES.items()}
    for name, row in result.items():
        print(name, row, file=sys.stderr, flush=True)
    return {"learnt_frames": len(normal), "judged_frames": len(rest), "changes": result}


def learn(engine: Engine, frames: Sequence[Frame]) -> Bank:
    builder = BankBuilder(engine.profile, engine.streams, engine.identity)
    for frame, features in zip(frames, extracted(engine, frames), strict=True):
        builder.add(frame.at_s, features, frame.rgb)
    return builder.build(["drift"])


def followed(
    engine: Engine, bank: Bank, frames: Sequence[Frame], change: Change, from_s: float
) -> dict[str, float | int | None]:
    """Mean share of rare frames before and after the change, and after how many judged hours drift is found."""
    altered = [
        frame if frame.at_s < from_s else Frame(change(frame.rgb, (frame.at_s - from_s) / DAY_S), frame.at_s, True)
        for frame in frames
    ]
    scorer = FrameScorer(bank)
    hours: dict[int, list[bool]] = {}
    for frame, features in zip(altered, extracted(engine, altered), strict=True):
        [rarity] = scorer.score(features, frame.at_s, discontinuity=True).rarities
        hours.setdefault(int(frame.at_s // HOUR_S), []).append(rarity is not None and rarity >= RARE)
    test, found, count = DriftTest(), None, 0
    shares: tuple[list[float], list[float]] = [], []
    for hour, rare in sorted(hours.items()):
        after = hour * HOUR_S >= from_s
        shares[after].append(float(np.mean(rare)))
        count += after
        test.add(HourShare(round(hour * HOUR_S * 1000), shares[after][-1]))
        if test.drift is not None and found is None:
            found = count if after else -1
    before, since = (round(float(np.mean(part)), 3) for part in shares)
    return {"share_before": before, "share_after": since, "hours_after": count, "found_after_hours": found}


def extracted(engine: Engine, frames: Sequence[Frame]) -> Iterable[Any]:
    context = CameraContext()
    for start in range(0, len(frames), _BATCH):
        batch = frames[start : start + _BATCH]
        yield from engine.extract(batch, [context] * len(batch))


if __name__ == "__main__":
    main()
