"""What each part of the method contributes on the testing clips of UCSD Ped2 at hand: one factor at a time.

``python -m bench.ablation [--data FOLDER] [--detector WEIGHTS] [--out FILE]`` writes ``bench/results/ablation.json``
and prints its table. From the shipped profile `objects` each row changes one thing; `motion` stands for it where there
are no detector weights. Features are extracted once; every row is learnt from them and scored again, by the product's
own `BankBuilder` and `FrameScorer`, so that calibration and thresholds are the row's own.

Alternatives that the product does not have are put in the place of one function each, in learning and scoring alike:
fusion by the highest rarity for `models.profiles.fusion.fuse`, the mean of a frame's farthest cells for the farthest
one (`frame_distance` and `held_out_frame` of `models.banks`), no perspective for `Perspective.fit`. The size of
a bank is the stream's ``exemplars``; ``ratio`` applies to CLIP streams only, which are no part of these profiles.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import cv2
import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # also when run as a file

from bench.ablation_variants import Replacements, Variant, variants  # noqa: E402
from bench.measure import DATA, machine  # noqa: E402
from bench.motion import FPS  # noqa: E402
from models.engine.engine import Engine  # noqa: E402
from models.exemplars.exemplars import Exemplars  # noqa: E402
from models.frames.frame import Features  # noqa: E402
from models.networks.networks import Networks  # noqa: E402
from models.profiles.profile import Profile, StreamSpec, load_profile  # noqa: E402
from models.streams.base import Stream  # noqa: E402
from patchwatch.contract.settings import load_settings  # noqa: E402
from patchwatch.evaluation.budgets import STRICT, rule_at  # noqa: E402
from patchwatch.evaluation.cost import CostMeter  # noqa: E402
from patchwatch.evaluation.detection import (  # noqa: E402
    ClipDetections,
    EventMatch,
    delays,
    detect_events,
    labelled_spans,
    match_events,
)
from patchwatch.evaluation.evaluation import Dataset, load_dataset  # noqa: E402
from patchwatch.evaluation.protocols import frame_scores  # noqa: E402
from patchwatch.evaluation.provenance import commit  # noqa: E402
from patchwatch.evaluation.scoring import ExtractedClip, ExtractedFrame, extract_clip, learn, score  # noqa: E402
from patchwatch.evaluation.statistics.bootstrap import ClipBootstrap  # noqa: E402
from patchwatch.evaluation.statistics.metrics import Scores, Truth, macro_auroc, micro_auroc  # noqa: E402
from workers.analysis.recordings import RecordingReader  # noqa: E402

RESULT = Path(__file__).parent / "results" / "ablation.json"
DETECTOR = Path("weights") / "yolov5nu-rebuilt.pt"  # within the data folder
DIGITS = 4  # of areas: those that agree in these are a tie


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA, help="folder that holds ucsd_ped2")
    parser.add_argument("--detector", type=Path, help=f"weights; unless given, {DETECTOR} in the data folder")
    parser.add_argument("--out", type=Path, default=RESULT)
    chosen = parser.parse_args()
    if not (chosen.data / "ucsd_ped2").is_dir():
        print(f"{chosen.data} holds no ucsd_ped2: nothing to measure on")
        return
    cv2.setNumThreads(1)
    start_s = time.monotonic()
    bench = Bench.load(chosen.data, chosen.detector)
    print(TITLE, flush=True)
    rows = [_measured(bench, variant) for variant in variants(bench.base)]
    record: dict[str, Any] = {"what": "ablation of the method on UCSD Ped2, the testing clips at hand"}
    record |= {"at": datetime.now(UTC).isoformat(timespec="seconds"), "commit": commit(), "machine": machine()}
    record |= {**bench.facts(), "rows": [row.as_json(bench.truths) for row in rows]}
    record |= {"seeds": seeds(rows, bench.truths), "choice_by_other_clips": choice_by_other_clips(rows, bench.truths)}
    record["took_s"] = round(time.monotonic() - start_s)
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    chosen.out.write_text(json.dumps(record, indent=2) + "\n")
    _print_below(record)


@contextmanager
def _replacing(functions: Replacements) -> Iterator[None]:
    with ExitStack() as stack:
        for place, function in functions.items():
            stack.enter_context(patch(place, function))
        yield


@dataclass(frozen=True)
class Row:
    """A variant measured. ``scores``: per testing clip the service score of every frame; ``outcomes``: per testing clip
    what the rule for one false alarm an hour made of it."""

    variant: Variant
    shipped: bool
    scores: tuple[Scores, ...]
    outcomes: tuple[ClipDetections, ...]

    @property
    def label(self) -> str:
        return "shipped" if self.shipped else f"{self.variant.factor}: {self.variant.choice}"

    def matches(self, clips: Sequence[int]) -> list[EventMatch]:
        return [match for clip in clips for match in self.outcomes[clip].matches]

    def median_delay_s(self, clips: Sequence[int]) -> float:
        """Over all labelled events of some clips; one that is missed is never heard of."""
        return float(np.median([math.inf if match.delay_s is None else match.delay_s for match in self.matches(clips)]))

    def as_json(self, truths: Sequence[Truth]) -> dict[str, Any]:
        matches = self.matches(range(len(truths)))
        median_s, _ = delays(matches)
        return {
            "factor": self.variant.factor, "choice": self.variant.choice, "shipped": self.shipped,
            **areas(self.scores, truths),
            "events": len(matches), "detected": sum(match.detected for match in matches),
            "false_alarms": sum(detections.false_alarms for detections in self.outcomes),
            "delay_median_s": None if median_s is None else round(median_s, 2),
        }  # fmt: skip


def areas(scores: Sequence[Scores], truths: Sequence[Truth]) -> dict[str, Any]:
    """Areas of the service protocol with their 95 % bootstrap intervals over clips."""
    bootstrap = ClipBootstrap(scores, truths)
    figures: dict[str, Any] = {}
    for name, area, interval in (("micro", micro_auroc, bootstrap.micro()), ("macro", macro_auroc, bootstrap.macro())):
        figures[f"{name}_auroc"] = _rounded(area(scores, truths))
        figures[f"{name}_auroc_95"] = [_rounded(edge) for edge in interval or ()]
    return figures


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, DIGITS)


class Bench:
    """All clips as features of the base profile, and what was learnt from them so far."""

    def __init__(self, base: Profile, networks: Networks | None, dataset: Dataset, reader: RecordingReader) -> None:
        self.base = base
        self.truths = dataset.truths
        self._networks = networks
        self._material = dataset
        engine, meter = Engine(base, networks), CostMeter()
        self._training = [extract_clip(engine, clip, reader, meter) for clip in dataset.training]
        self._testing = [extract_clip(engine, frames.clip, reader, meter) for frames in dataset.testing]
        self._streams: dict[str, Stream] = {}
        self._rows: dict[str, Row] = {}

    @classmethod
    def load(cls, data: Path, detector: Path | None) -> Bench:
        """Read the clips and extract their features: of `objects` with detector weights, else of `motion`."""
        settings, folder = load_settings(), data / "ucsd_ped2"
        reader = RecordingReader.from_settings(settings, FPS)
        dataset = load_dataset(folder / "training", folder / "testing", reader, folder / "labels.json")
        weights = detector or data / DETECTOR
        if detector is None and not weights.is_file():
            return cls(load_profile("motion"), None, dataset, reader)
        base = load_profile("objects")
        networks = Networks.load(base, detector_weights=weights, weights_dir=settings.weights_dir, threads=1)
        return cls(base, networks, dataset, reader)

    def facts(self) -> dict[str, Any]:
        """What all rows have in common."""
        return {
            "profile": self.base.name,
            "detector": self._networks.identity() | {"device": self._networks.device} if self._networks else None,
            "fps": FPS, "protocol": "service", "budget": STRICT.name,
            "training_clips": len(self._training), "testing_clips": [clip.name for clip in self._testing],
            "frames": sum(map(len, self.truths)), "anomalous_frames": sum(int(truth.sum()) for truth in self.truths),
        }  # fmt: skip

    def row(self, variant: Variant) -> Row:
        """Learn and score; what was measured under another factor already is only renamed."""
        if variant.key not in self._rows:
            with _replacing(variant.replaced):
                self._rows[variant.key] = self._measure(variant)
        return replace(self._rows[variant.key], variant=variant)

    def _measure(self, variant: Variant) -> Row:
        engine = Engine(variant.profile, self._networks)
        engine.streams = [self._stream(*parts) for parts in zip(variant.profile.streams, engine.streams, strict=True)]
        bank = learn(engine, self._pick(self._training, variant.profile), STRICT.per_day)
        scored = [score(bank, clip, CostMeter()) for clip in self._pick(self._testing, variant.profile)]
        scores = frame_scores(variant.profile.fusion, scored, self._material.testing)
        rule, parts = rule_at(bank, STRICT).rule, zip(scored, self._material.testing, self.truths, strict=True)
        outcomes = [
            match_events(labelled_spans(truth, frames), detect_events(clip, rule)) for clip, frames, truth in parts
        ]
        shipped = variant.profile == self.base and not variant.replaced
        return Row(variant, shipped, tuple(clip_scores.service for clip_scores in scores), tuple(outcomes))

    def _stream(self, spec: StreamSpec, stream: Stream) -> Stream:
        """A stream that draws equal exemplars but once, whichever rows ask for them."""
        if (key := repr(spec)) not in self._streams:
            stream.exemplars = _remembering(stream.exemplars)  # type: ignore[method-assign]
            self._streams[key] = stream
        return self._streams[key]

    def _pick(self, clips: Sequence[ExtractedClip], profile: Profile) -> list[ExtractedClip]:
        """The clips with the features of the profile's streams alone."""
        names = [spec.name for spec in self.base.streams]
        picks = [names.index(spec.name) for spec in profile.streams]
        return [replace(clip, frames=tuple(_part(frame, picks) for frame in clip.frames)) for clip in clips]


def _part(frame: ExtractedFrame, picks: Sequence[int]) -> ExtractedFrame:
    return replace(frame, features=tuple(frame.features[n] for n in picks))


def _remembering(draw: Callable[[Sequence[Features], int], Exemplars]) -> Callable[..., Exemplars]:
    known: dict[tuple[bytes, int], Exemplars] = {}

    def exemplars(normal: Sequence[Features], seed: int) -> Exemplars:
        if (key := (_digest(normal), seed)) not in known:
            known[key] = draw(normal, seed)
        return known[key]

    return exemplars


def _digest(normal: Sequence[Features]) -> bytes:
    """Of all that exemplars depend on; a learner may make features of its own, so their identity would not do."""
    digest = hashlib.blake2b()
    for features in normal:
        digest.update(len(features).to_bytes(4, "big"))
        digest.update(features.groups.tobytes())
        digest.update(features.vectors.tobytes())
    return digest.digest()


def seeds(rows: Sequence[Row], truths: Sequence[Truth]) -> dict[str, Any]:
    """What several seeds buy over one: the areas of each alone, how far those lie apart, and those of all together."""
    seed_rows = [row for row in rows if row.variant.factor == "seeds"]
    figures: dict[str, Any] = {}
    for name, area in (("micro_auroc", micro_auroc), ("macro_auroc", macro_auroc)):
        each = {row.variant.choice: area(row.scores, truths) or math.nan for row in seed_rows}
        alone = [each[row.variant.choice] for row in seed_rows if not row.shipped]
        figures[name] = {choice: _rounded(value) for choice, value in each.items()}
        mean, spread = float(np.mean(alone)), max(alone) - min(alone)
        figures[name] |= {"mean_of_one": _rounded(mean), "spread_of_one": _rounded(spread)}
    return figures


def choice_by_other_clips(rows: Sequence[Row], truths: Sequence[Truth]) -> dict[str, Any]:
    """What choosing from this table is worth on a clip that had no say in the choice.

    For each testing clip the row with the highest micro AUROC on the others is taken, of equal ones that with the
    least median delay, and its scores of the clip left out; their areas stand beside those of the shipped row and of
    the best in hindsight. Rows are calibrated each for itself, so scores of different ones go into one curve.
    """
    different = list({row.variant.key: row for row in rows}.values())
    everything = range(len(truths))
    chosen = [_best(different, truths, [clip for clip in everything if clip != left]) for left in everything]
    best, shipped = _best(different, truths, everything), next(row for row in different if row.shipped)
    return {
        "candidates": len(different),
        "chosen": [row.label for row in chosen],
        "left_out": areas([row.scores[clip] for clip, row in enumerate(chosen)], truths),
        "shipped": areas(shipped.scores, truths),
        "best_in_hindsight": {"row": best.label, **areas(best.scores, truths)},
    }


def _best(rows: Sequence[Row], truths: Sequence[Truth], clips: Sequence[int]) -> Row:
    def rank(row: Row) -> tuple[float, float]:
        area = micro_auroc([row.scores[clip] for clip in clips], [truths[clip] for clip in clips])
        return -(_rounded(area) or 0.0), row.median_delay_s(clips)

    return min(rows, key=rank)


TITLE = f"{'factor':22}{'choice':32}{'micro AUROC':24}{'macro AUROC':24}{'events':9}{'false':7}delay"


def _measured(bench: Bench, variant: Variant) -> Row:
    """A row, printed as soon as it is there."""
    row = bench.row(variant)
    figures = row.as_json(bench.truths)
    micro, macro = _shown(figures, "micro_auroc"), _shown(figures, "macro_auroc")
    mark, delay_s = "*" if row.shipped else " ", figures["delay_median_s"]
    delay = "-" if delay_s is None else f"{delay_s:.1f} s"
    events, false_alarms = f"{figures['detected']} of {figures['events']}", figures["false_alarms"]
    print(
        f"{variant.factor:22}{mark + variant.choice:32}{micro:24}{macro:24}{events:9}{false_alarms:<7}{delay}",
        flush=True,
    )
    return row


def _shown(figures: dict[str, Any], area: str) -> str:
    return f"{figures[area]:.3f} [{', '.join(f'{edge:.3f}' for edge in figures[f'{area}_95'])}]"


def _print_below(record: dict[str, Any]) -> None:
    """What the table does not hold."""
    for area, by_choice in record["seeds"].items():
        print(f"seeds, {area}: {', '.join(f'{name} {value:.4f}' for name, value in by_choice.items())}")
    chosen_rows = record["choice_by_other_clips"]
    for name, row in zip(record["testing_clips"], chosen_rows["chosen"], strict=True):
        print(f"without clip {name} the best of {chosen_rows['candidates']} rows is {row}")
    for name in ("left_out", "shipped", "best_in_hindsight"):
        row = chosen_rows[name]
        print(f"{name:22}{row.get('row', ''):32}{_shown(row, 'micro_auroc'):24}{_shown(row, 'macro_auroc')}")
    print(f"took {record['took_s']} s")


if __name__ == "__main__":
    main()
