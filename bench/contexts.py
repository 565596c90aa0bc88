"""Contexts: what a normal of its own for each light is worth, on days that the bank was not learnt from.

``python -m bench.contexts [--data FOLDER] [--features FILE] [--days N ...] [--parts FOLDER]`` writes
``bench/results/contexts.json``. A week of stills of a building site, by day and by night (``webcam``). One day after
the other is left out; of the six others a bank is learnt twice, with contexts where its own rule splits them off, and
without. Each still of the day left out is judged as it is, and twice with a thing from other footage pasted in, of the
brightness and colour of where it lies. By the stream of places, with one seed.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # also when run as a file

from bench.drift import extracted  # noqa: E402
from bench.measure import DATA, RESULTS, in_turns, spread, write  # noqa: E402
from bench.scenes import frames_of  # noqa: E402
from models.banks.bank import Bank, StreamBank  # noqa: E402
from models.banks.bank_builder import BankBuilder  # noqa: E402
from models.banks.contexts import ContextGain, Contexts  # noqa: E402
from models.engine.engine import Engine, NetworkOptions, make_stream, one_thread  # noqa: E402
from models.exemplars.provenance import StoredPicture, thumbnail  # noqa: E402
from models.frames.frame import Features  # noqa: E402
from models.profiles.profile import Fusion, Profile, StreamKind, StreamSpec  # noqa: E402
from models.profiles.stream_options import PlaceOptions  # noqa: E402
from models.streams.place_stream import PLACES, place_boxes  # noqa: E402

Picture = NDArray[np.uint8]
SPEC = StreamSpec("place", StreamKind.PLACE, 1.0)
PROFILE = Profile("places", Fusion.CALIBRATED, (SPEC,), seeds=(42,))
PASTED = 2  # times a still
FALSE = 0.05  # of all stills
_APART_S = 9.0  # as the stream sees the stills: less than what ends an event
_RESAMPLED = 5000
_TIMED, _ROUNDS = 20, 15  # pictures
_SIDE_PX = 3000  # area from which on something that moved is a thing


@dataclass(frozen=True)
class Stills:
    """The vectors of each still, float16 (n, places, dim), and of those with something pasted in. ``bright``: mean grey
    level. ``days``: number of the day of each."""

    normal: NDArray[np.float16]
    pasted: NDArray[np.float16]
    bright: NDArray[np.float64]
    days: NDArray[np.int64]
    thumbnails: list[bytes]
    size: tuple[int, int]

    @classmethod
    def of(cls, data: Path, features: Path | None) -> Self:
        """``features``: a file that keeps the vectors, which take minutes, for another run."""
        [path] = (data / "webcam").glob("*.mkv")
        pictures = [frame.rgb for frame in frames_of(path)]
        times = json.loads(path.with_suffix(".times.json").read_text())
        _, days = np.unique([at[:10] for at in times], return_inverse=True)
        if features is None or not features.exists():
            vectors = _vectors(pictures, data)
            if features is not None:
                np.savez(features, normal=vectors["normal"], pasted=vectors["pasted"])
        else:
            vectors = dict(np.load(features))
        height, width = pictures[0].shape[:2]
        return cls(
            vectors["normal"], vectors["pasted"], np.array([rgb.mean() for rgb in pictures]), days.astype(np.int64),
            [thumbnail(rgb) for rgb in pictures], (width, height),
        )  # fmt: skip

    def features(self, vectors: NDArray[np.float16]) -> Features:
        return Features(vectors.astype(np.float32), place_boxes(*self.size), np.arange(PLACES, dtype=np.int32))

    @property
    def dark(self) -> NDArray[np.bool_]:
        """Whether a still is nearer to the dark ones than to the bright ones: two means of the brightness."""
        low, high = self.bright.min(), self.bright.max()
        for _ in range(30):
            dark = self.bright < (low + high) / 2.0
            low, high = self.bright[dark].mean(), self.bright[~dark].mean()
        return np.asarray(dark, np.bool_)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--features", type=Path)
    parser.add_argument("--days", type=int, nargs="*", help="to leave out in this run; default: all")
    parser.add_argument("--parts", type=Path, help="folder for what is known of each day; those that are there stay")
    parser.add_argument("--out", type=Path, default=RESULTS / "contexts.json")
    chosen = parser.parse_args()
    one_thread()
    stills = Stills.of(chosen.data, chosen.features)
    days = range(int(stills.days.max()) + 1)
    parts = {day: _part(stills, day, chosen.parts) for day in (days if chosen.days is None else chosen.days)}
    if len(parts) == len(days):
        result = summary(stills, [parts[day] for day in days]) | {"ms_per_picture": cost(stills)}
        write("contexts", result, chosen.out)


def _part(stills: Stills, day: int, folder: Path | None) -> dict[str, Any]:
    path = None if folder is None else folder / f"day-{day}.json"
    if path is not None and path.exists():
        return dict(json.loads(path.read_text()))
    part = left_out(stills, day)
    if path is not None:
        path.write_text(json.dumps(part))
    return part


def left_out(stills: Stills, day: int) -> dict[str, Any]:
    """How far each still of a day is, as it is and with a thing, from the normal of the other days."""
    part: dict[str, Any] = {}
    for name, contexts in (("together", False), ("apart", True)):
        bank = learnt(stills, np.flatnonzero(stills.days != day), contexts=contexts)
        [stream], of_day = bank.streams, np.flatnonzero(stills.days == day)
        shown = [stills.features(stills.normal[n]) for n in of_day]
        things = [stills.features(stills.pasted[PASTED * n + k]) for n in of_day for k in range(PASTED)]
        part[name] = {"normal": _distances(stream, shown), "things": _distances(stream, things)}
        if contexts and stream.contexts is not None:
            numbers = [stream.context_of(features) for features in (*shown, *things)]
            part["split"] = {"names": stream.contexts.names, "seconds": stream.contexts.seconds}
            part["split"] |= {
                "gain": asdict(stream.contexts.gain),
                "uncertain": float(np.mean([n is None for n in numbers])),
            }
    return part


def learnt(stills: Stills, chosen: NDArray[np.int64], *, contexts: bool) -> Bank:
    builder = BankBuilder(PROFILE, [make_stream(SPEC)], {}, contexts=contexts)
    for position, n in enumerate(chosen.tolist()):
        picture = StoredPicture(stills.size, stills.thumbnails[n])
        builder.add(position * _APART_S, (stills.features(stills.normal[n]),), picture)
    return builder.build(["webcam"])


def _distances(stream: StreamBank, pictures: Sequence[Features]) -> list[float]:
    return [round(float(stream.distances(features).max(axis=0).mean()), 5) for features in pictures]


def summary(stills: Stills, parts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What is found at the same share of false alarms, and what it gains over one normal for all lights."""
    found, rows = {}, {}
    for name, of_light in product(("together", "apart"), (False, True)):
        what = f"{name}, a level for each light" if of_light else name
        found[what], rows[what] = counted(stills, parts, name, of_light=of_light)
    gains = {what: gain(stills, found[what], found["together"]) for what in list(found)[1:]}
    splits = [part.get("split") for part in parts]
    return {"false_alarms": FALSE, "stills": len(stills.normal), "found": rows, "gains": gains, "splits": splits}


def counted(
    stills: Stills, parts: Sequence[dict[str, Any]], name: str, *, of_light: bool
) -> tuple[NDArray[np.float64], dict[str, Any]]:
    """Which things are found, and the shares by light. Stills are in order of the days. ``of_light``: at the level that
    the stills of that light on the other days have."""
    normal, things = (np.concatenate([part[name][of] for part in parts]) for of in ("normal", "things"))
    dark, dark_things = stills.dark, np.repeat(stills.dark, PASTED)
    own = np.ones(len(normal))
    for day, light in product(np.unique(stills.days), (False, True)) if of_light else ():
        that_day, that_light = stills.days == day, dark == light
        own[that_day & that_light] = np.quantile(normal[~that_day & that_light], 1.0 - FALSE)
    normal, things = normal / own, things / np.repeat(own, PASTED)
    level = np.quantile(normal, 1.0 - FALSE)
    over, found = normal > level, (things > level).astype(np.float64)
    shares: dict[str, NDArray[Any]] = {
        "found": found,
        "found_bright": found[~dark_things],
        "found_dark": found[dark_things],
    }
    shares |= {"false_bright": over[~dark], "false_dark": over[dark]}
    return found, {what: round(float(share.mean()), 4) for what, share in shares.items()}


def gain(stills: Stills, found: NDArray[np.float64], together: NDArray[np.float64]) -> dict[str, float]:
    """Difference of the shares found with its 90 % interval, days drawn again."""
    days = np.repeat(stills.days, PASTED)
    by_day = np.array([(found - together)[days == day].mean() for day in np.unique(days)])
    random = np.random.default_rng(0)
    means = random.choice(by_day, (_RESAMPLED, len(by_day))).mean(axis=1)
    low, high = np.quantile(means, [0.05, 0.95]).tolist()
    return {"mean": round(float(by_day.mean()), 4), "low": round(low, 4), "high": round(high, 4)}


def cost(stills: Stills) -> dict[str, dict[str, float]]:
    """Milliseconds that a picture is compared for: without contexts, in one of two, and between them. Three seeds."""
    random, count = np.random.default_rng(0), PlaceOptions.from_spec(SPEC).exemplars
    vectors = random.normal(size=(3, PLACES, 2 * count, stills.normal.shape[2])).astype(np.float32)
    shown = [stills.features(stills.normal[n]) for n in range(_TIMED)]
    mean = np.mean([features.vectors for features in shown], axis=0)
    scales, reaches = np.ones((2, PLACES), np.float32), np.full(2, 1e6, np.float32)
    gain, seconds = ContextGain(0.0, 0.0, 0.0, 0.0), (1.0, 1.0)
    near = Contexts(("near", "far"), np.stack([mean, mean + 100]), reaches, scales, seconds, gain)
    between = Contexts(("one", "other"), np.stack([mean - 100, mean + 100]), reaches, scales, seconds, gain)
    banks = {
        "together": StreamBank(vectors[:, :, :count], scales=scales[0]),
        "apart": StreamBank(vectors, scales=scales[0], contexts=near),
        "between": StreamBank(vectors, scales=scales[0], contexts=between),
    }
    programs = {name: partial(_distances, bank, shown) for name, bank in banks.items()}
    seconds_of = in_turns(programs, _ROUNDS)
    return {name: spread([1000 * took / _TIMED for took in each]) for name, each in seconds_of.items()}


def _vectors(pictures: Sequence[Picture], data: Path) -> dict[str, NDArray[np.float16]]:
    engine = Engine.load(PROFILE, NetworkOptions(Path("none"), threads=1, still_tolerance=0.5))
    pool, random = things(data), np.random.default_rng(1)
    pasted = [paste(rgb, pool[int(random.integers(len(pool)))], random) for rgb in pictures for _ in range(PASTED)]
    return {
        name: np.stack([features[0].vectors for features in extracted(engine, shown)]).astype(np.float16)
        for name, shown in (("normal", pictures), ("pasted", pasted))
    }


@dataclass(frozen=True)
class Thing:
    """``rgb``: uint8 (h, w, 3). ``mask``: float32 (h, w), 1 where it is."""

    rgb: Picture
    mask: NDArray[np.float32]


def things(data: Path) -> list[Thing]:
    """What moves in footage of other places: people and cars, cut out against the median picture."""
    found = []
    for name in ("one-by-one-person-detection.mp4", "car-detection.mp4"):
        frames = [frame.rgb for frame in frames_of(data / "clips" / name)]
        empty = np.median(np.stack(frames[:: max(1, len(frames) // 40)]), axis=0).astype(np.uint8)
        found += [thing for rgb in frames[::7] if (thing := _cut_out(rgb, empty)) is not None]
    return found


def _cut_out(rgb: Picture, empty: Picture) -> Thing | None:
    """The largest thing that is wholly in the picture and not most of it."""
    changed = cv2.GaussianBlur(cv2.absdiff(rgb, empty).max(axis=2), (0, 0), 2) > 25
    closed = cv2.morphologyEx(changed.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
    count, labels, facts, _ = cv2.connectedComponentsWithStats(closed)
    if count < 2:
        return None
    largest = 1 + int(facts[1:, 4].argmax())
    x, y, width, height, area = facts[largest].tolist()
    if not _SIDE_PX <= area <= 0.25 * closed.size or x == 0 or y == 0 or x + width >= closed.shape[1] - 1:
        return None
    part = np.s_[y : y + height, x : x + width]
    return Thing(rgb[part].copy(), (labels[part] == largest).astype(np.float32))


def paste(rgb: Picture, thing: Thing, random: np.random.Generator) -> Picture:
    """The thing somewhere in the lower three quarters, 9 to 18 % of the picture high."""
    height, width = rgb.shape[:2]
    high = int(random.uniform(0.09, 0.18) * height)
    wide = min(max(8, int(thing.rgb.shape[1] * high / thing.rgb.shape[0])), width // 4)
    crop = cv2.resize(thing.rgb, (wide, high), interpolation=cv2.INTER_AREA).astype(np.float32)
    mask = cv2.GaussianBlur(cv2.resize(thing.mask, (wide, high)), (0, 0), 1)[..., None]
    x, y = int(random.integers(0, width - wide)), int(random.integers(height // 4, height - high))
    under = rgb[y : y + high, x : x + wide].astype(np.float32)
    grey = crop.mean(axis=2, keepdims=True)
    colour = np.abs(under - under.mean(axis=2, keepdims=True)).mean() / max(1.0, float(np.abs(crop - grey).mean()))
    crop = grey + (crop - grey) * min(1.0, float(colour))
    crop *= under.mean() / max(1.0, float((crop * mask).sum() / (mask.sum() * 3)))
    changed = rgb.copy()
    changed[y : y + high, x : x + wide] = np.clip(under * (1 - mask) + crop * mask, 0, 255).astype(np.uint8)
    return changed


if __name__ == "__main__":
    main()
