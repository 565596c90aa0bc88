"""The results of many simulated cameras in short: counts with their intervals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from bench.weeks.statistics import poisson, proportion

Results = Sequence[dict[str, Any]]


def summary(results: Results) -> dict[str, Any]:
    """Per way of learning; see the fields."""
    ways = list(dict.fromkeys(way for result in results for way in result["ways"]))
    return {way: _of_way([result["ways"][way] for result in results if way in result["ways"]]) for way in ways}


def _of_way(cameras: Results) -> dict[str, Any]:
    longest = max(len(camera["days"]) for camera in cameras)
    days = [_day([camera["days"][n] for camera in cameras if n < len(camera["days"])]) for n in range(longest)]
    anomalies = [one for camera in cameras for one in camera["anomalies"]]
    causes: Counter[str] = Counter()
    for camera in cameras:
        for day in camera["days"]:
            causes.update(day["false_alarms"])
    return {
        "cameras": len(cameras), "days": days, "false_alarms_by_cause": dict(causes.most_common()),
        "recall": {kind: _recall(anomalies, kind) for kind in sorted({one["kind"] for one in anomalies})},
        "all_anomalies": _recall(anomalies, None),
        "by_light": {name: _recall([one for one in anomalies if one.get("dark") is dark], None)
                     for name, dark in (("infrared", True), ("daylight", False))},
        "within_stated": sum(camera["budget"]["within"] for camera in cameras if "budget" in camera),
        "cleaner_nights": [camera["cleaner_nights"] for camera in cameras if "cleaner_nights" in camera],
        "scored_after_s": _median([camera["scored_after_s"] for camera in cameras]),
        "armed_after_h": _hours(_median([camera["armed_after_s"] for camera in cameras])),
        "armed": sum(camera["armed_after_s"] is not None for camera in cameras),
        "memory_mb": _median([camera["megabytes"]["memory"] for camera in cameras]),
        "banks_mb": _median([camera["megabytes"]["banks"] for camera in cameras]),
        "ms_a_frame": _median([camera["ms_a_frame"] for camera in cameras]),
        "learning_s": _median([camera["learning_s"] for camera in cameras]),
    }  # fmt: skip


def _day(cameras: Results) -> dict[str, Any]:
    """One day of all cameras. ``looks``: at ordinary moments, and how many were in alarm. ``an_hour``: false alarms in
    an hour of footage, of which happenings are a larger part than of the day."""
    counts: Counter[str] = Counter()
    for camera in cameras:
        counts.update(camera["false_alarms"])
    seen_h = sum(camera["seen_s"] for camera in cameras) / 3600
    looks, alarmed = (sum(camera[name] for camera in cameras) for name in ("looks", "looks_in_alarm"))
    total = sum(counts.values())
    return {
        "day": cameras[0]["day"], "seen_h": round(seen_h, 3), "false_alarms": dict(counts.most_common()),
        "a_camera": round(total / len(cameras), 2), "an_hour": [_rounded(x / seen_h) for x in poisson(total)],
        "looks": looks, "looks_in_alarm": alarmed, "share": [_rounded(x) for x in proportion(alarmed, looks)],
        "cleaner": counts["cleaner"], "cleaner_came": sum("cleaner" in camera["expected"] for camera in cameras),
    }  # fmt: skip


def _recall(anomalies: Results, kind: str | None) -> dict[str, Any]:
    chosen = [one for one in anomalies if kind in (None, one["kind"])]
    found = [one["delay_s"] for one in chosen if one["found"]]
    interval = [_rounded(x) for x in proportion(len(found), len(chosen))]
    return {"of": len(chosen), "found": len(found), "share": interval, "delay_s": _median(found)}


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return _rounded(float(np.median(known))) if known else None


def _hours(seconds: float | None) -> float | None:
    return None if seconds is None else _rounded(seconds / 3600)


def _rounded(value: float) -> float:
    return float(f"{value:.3g}")
