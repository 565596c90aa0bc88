"""Drift: what is found when nothing changes, and how soon what does.

``python -m bench.drift [--data FOLDER]`` writes ``bench/results/drift.json``. Two views, by the stream of places:

- ``webcam``: a week of stills of a real camera, a quarter of an hour apart. The bank is learnt from the first four
  days; the others are judged in hours of up to four stills, as they are, and with something brought about at the start
  of the last two days.
- ``drawn``: a room that we draw, with day, night, clouds and sensor noise, learnt for two days, and
  something brought about after another one.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
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
WIDTH, HEIGHT, AN_HOUR = 320, 180, 4  # of the drawn view; pictures an hour
_SHOWN_S, _APART_S = (0.0, 0.5, 0.95), 2.0  # as the stream sees them; hours are counted by their number


@dataclass(frozen=True)
class AnHour:
    """So many pictures of a view."""

    pictures: int

    def of(self, number: int) -> int:
        """The hour that a picture belongs to."""
        return number // self.pictures

    def days(self, pictures: int) -> float:
        return pictures / self.pictures / 24


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
    engine = Engine.load(profile, NetworkOptions(Path("none"), threads=1, still_tolerance=0.5))
    views = {"webcam": webcam(engine, chosen.data), "drawn": drawn(engine)}
    write("drift", {"nominal": NOMINAL, "tolerated": TOLERATED, "views": views}, chosen.out)


def webcam(engine: Engine, data: Path) -> dict[str, Any]:
    pictures = [frame.rgb for frame in frames_of(next((data / "webcam").glob("*.mkv")))]
    a_day = len(pictures) // 7
    return compared(engine, pictures, AnHour(4), learnt=4 * a_day, changed_at=5 * a_day)


def drawn(engine: Engine) -> dict[str, Any]:
    a_day = 24 * AN_HOUR
    pictures = [room(n) for n in range(5 * a_day)]
    return compared(engine, pictures, AnHour(AN_HOUR), learnt=2 * a_day, changed_at=3 * a_day)


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


def compared(
    engine: Engine, pictures: Sequence[Picture], an_hour: AnHour, *, learnt: int, changed_at: int
) -> dict[str, Any]:
    """What is found with each change from one picture on, by a bank of the first ``learnt`` ones."""
    bank, result = learn(engine, pictures[:learnt]), {}
    before = rare_pictures(engine, bank, pictures[learnt:changed_at])
    for name, change in CHANGES.items():
        changed = [change(picture, an_hour.days(n)) for n, picture in enumerate(pictures[changed_at:])]
        result[name] = followed(before + rare_pictures(engine, bank, changed), an_hour, learnt, changed_at)
        print(name, result[name], file=sys.stderr, flush=True)
    return {"learnt_pictures": learnt, "judged_pictures": len(pictures) - learnt, "changes": result}


def learn(engine: Engine, pictures: Sequence[Picture]) -> Bank:
    builder = BankBuilder(engine.profile, engine.streams, engine.identity)
    for n, (picture, features) in enumerate(zip(pictures, extracted(engine, pictures), strict=True)):
        builder.add(n * _APART_S, features, picture)
    return builder.build(["drift"])


def rare_pictures(engine: Engine, bank: Bank, pictures: Sequence[Picture]) -> list[bool]:
    """Whether each is rarer than nine of ten normal ones."""
    scorer = FrameScorer(bank)
    found = []
    for n, features in enumerate(extracted(engine, pictures)):
        [rarity] = scorer.score(features, n * _APART_S, discontinuity=True).rarities
        found.append(rarity is not None and rarity >= RARE)
    return found


def followed(rare: Sequence[bool], an_hour: AnHour, learnt: int, changed_at: int) -> dict[str, float | int | None]:
    """Mean share of rare pictures before and after the change, and after how many hours drift is found; -1: before.
    ``rare``: of the pictures after the ``learnt`` ones."""
    hours: dict[int, list[bool]] = {}
    for n, one in enumerate(rare, learnt):
        hours.setdefault(an_hour.of(n), []).append(one)
    shares = {hour: float(np.mean(some)) for hour, some in hours.items()}
    test, found, first = DriftTest(), None, an_hour.of(changed_at)
    for hour, share in sorted(shares.items()):
        test.add(HourShare(hour * 3_600_000, share))
        if test.drift is not None and found is None:
            found = hour - first + 1 if hour >= first else -1
    return {
        "share_before": round(float(np.mean([share for hour, share in shares.items() if hour < first])), 3),
        "share_after": round(float(np.mean([share for hour, share in shares.items() if hour >= first])), 3),
        "hours_before": sum(hour < first for hour in shares),
        "hours_after": sum(hour >= first for hour in shares),
        "found_after_hours": found,
    }


def extracted(engine: Engine, pictures: Sequence[Picture]) -> Iterable[Any]:
    """Of each picture, shown for a little longer than a second: the stream of places averages so long."""
    context = CameraContext()
    for n, picture in enumerate(pictures):
        shown = [Frame(picture, n * _APART_S + at_s, discontinuity=at_s == 0.0) for at_s in _SHOWN_S]
        yield engine.extract(shown, [context] * len(shown))[-1]


if __name__ == "__main__":
    main()
