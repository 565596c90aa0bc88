"""Whether thresholds keep what they state: simulated cameras with known tails, counted on fresh days.

``python -m bench.threshold [--share PART]`` writes ``bench/results/threshold.json``: for each kind of tail, length of
normal footage and alarm budget, how often the true rate at the threshold lies in the stated 90 % interval, and the
true rate over the one expected. One run takes some minutes on one core.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]  # also when run as a file

from simulated_scores import TAILS, simulated_run  # noqa: E402

from models.alarms.alarm_threshold import CONFIDENCE, MAX_EXTRAPOLATION, ThresholdModel  # noqa: E402
from models.alarms.event_counts import EventCounts  # noqa: E402
from models.alarms.event_detector import EventRule  # noqa: E402
from patchwatch.evaluation.provenance import commit  # noqa: E402

RESULT = Path(__file__).parent / "results" / "threshold.json"
CAMERAS = {0.1: 60, 0.5: 40, 2.0: 24, 8.0: 16}  # simulated for each length of footage, in hours
BUDGETS_PER_DAY = (24.0, 4.0, 1.0)
TRUE_DAYS = 20
_LEVELS = 200


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--share", type=float, default=1.0, help="of the cameras, for a quicker and rougher run")
    parser.add_argument("--out", type=Path, default=RESULT)
    chosen = parser.parse_args()
    rows = [row for tail in TAILS for row in _of_tail(tail, chosen.share)]
    record = {
        "what": "coverage of the stated interval of false alarms a day",
        "at": datetime.now(UTC).isoformat("T", "seconds"),
        "commit": commit(), "python": platform.python_version(), "confidence": CONFIDENCE,
        "max_extrapolation": MAX_EXTRAPOLATION, "true_days": TRUE_DAYS, "rows": rows,
    }  # fmt: skip
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    chosen.out.write_text(json.dumps(record, indent=1) + "\n")


def _of_tail(tail: str, share: float) -> list[dict[str, Any]]:
    truth = _Truth(tail)
    rows = []
    for hours, cameras in CAMERAS.items():
        runs = (simulated_run(tail, 3600 * hours, seed) for seed in range(max(2, round(share * cameras))))
        models = [ThresholdModel.fit([run]) for run in runs]
        for per_day in BUDGETS_PER_DAY:
            rows.append({"tail": tail, "footage_hours": hours, **_row(truth, models, per_day)})
            print(rows[-1], flush=True)
    return rows


def _row(truth: _Truth, models: list[ThresholdModel], per_day: float) -> dict[str, Any]:
    thresholds = [model.at(per_day) for model in models]
    true = np.array([truth.per_day(threshold.on) for threshold in thresholds])
    low, high = (
        np.array([getattr(threshold, name) for threshold in thresholds]) for name in ("expected_low", "expected_high")
    )
    ratio = true / np.array([threshold.expected for threshold in thresholds])
    return {
        "budget_per_day": per_day,
        "supported": thresholds[0].supported,
        "cameras": len(thresholds),
        "expected_per_day": round(float(np.median([threshold.expected for threshold in thresholds])), 2),
        "covered": round(float(np.mean((low <= true) & (true <= high))), 3),
        "more_than_stated": round(float(np.mean(true > high)), 3),
        "true_over_expected": [round(float(np.quantile(ratio, q)), 2) for q in (0.1, 0.5, 0.9)],
        "high_over_expected": round(
            float(np.median([threshold.expected_high / threshold.expected for threshold in thresholds])), 1
        ),
        "on": round(float(np.median([threshold.on for threshold in thresholds])), 3),
    }


class _Truth:
    """Events a day at any level, counted on many fresh days."""

    def __init__(self, tail: str) -> None:
        counts = np.zeros(_LEVELS)
        levels = None
        for day in range(TRUE_DAYS):
            series = EventCounts.from_runs([simulated_run(tail, 86_400, 10_000 + day)], EventRule(on=1.0, off=0.75))
            if levels is None:
                top = min(0.999, float(series.sustained.max()) * 1.4)
                levels = np.linspace(np.quantile(series.sustained, 0.5), top, _LEVELS)
            counts += [series.count(float(level)) for level in levels]
        assert levels is not None, "at least one day was simulated"
        self._levels = levels
        self._per_day = np.maximum.accumulate(counts[::-1])[::-1] / TRUE_DAYS

    def per_day(self, on: float) -> float:
        """Between the levels counted at, on a logarithmic scale; 0 above all that was seen."""
        return float(np.exp(np.interp(on, self._levels, np.log(self._per_day + 1e-6))))


if __name__ == "__main__":
    main()
