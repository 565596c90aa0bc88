"""The record of the simulated weeks as tables for docs/figures.md."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.weeks.statistics import proportion

RECORD = Path(__file__).parents[1] / "results" / "weeks.json"
Row = Sequence[str]


def weeks_table(path: Path = RECORD) -> str:
    """Empty where there is no record."""
    if not path.exists():
        return ""
    record = json.loads(path.read_text())
    ways = record["summary"]
    parts = [
        _intro(record),
        _table(["", *ways], _facts(ways)),
        *places_table(record),
        _table(_heads(ways), _days(ways)),
    ]
    return "\n".join(parts)


def places_table(record: dict[str, Any]) -> Iterator[str]:
    """What is asked of each place, the worst first; nothing for a record from before cameras were held against what
    they state."""
    cameras = [camera for camera in record["cameras"] if all("budget" in way for way in camera["ways"].values())]
    if cameras:
        ways = list(cameras[0]["ways"])
        asked = ("anomalies found", "false alarms from day 3 (stated)", "cleaner alerted in nights")
        yield _table(
            ["place", *(f"{way}: {what}" for way in ways for what in asked)],
            (_place(camera, ways) for camera in sorted(cameras, key=lambda camera: _found(camera["ways"][ways[0]]))),
        )


def _found(way: dict[str, Any]) -> float:
    """The share of the anomalies."""
    return float(sum(one["found"] for one in way["anomalies"]) / max(1, len(way["anomalies"])))


def _place(camera: dict[str, Any], ways: Sequence[str]) -> Row:
    cells = [f"{camera['camera']}, {camera['days']} days"]
    for way in (camera["ways"][name] for name in ways):
        found, of, budget = sum(one["found"] for one in way["anomalies"]), len(way["anomalies"]), way["budget"]
        share, low, high = (f"{100 * value:.0f}" for value in proportion(found, of))
        least, expected, most = (f"{value:.2g}" for value in budget["stated"])
        verdict = "within" if budget["within"] else "**not within**"
        nights = ", ".join(map(str, way["cleaner_nights"])) or "none"
        cells += [
            f"{found} of {of} ({share} % [{low}, {high}])",
            f"{budget['false_alarms']} ({expected} [{least}, {most}]), {verdict}",
            nights,
        ]
    return cells


def _intro(record: dict[str, Any]) -> str:
    measured, planned = len(record["cameras"]), record["cameras_planned"]
    of = f"{measured} cameras" if measured == planned else f"{measured} of {planned} cameras that were planned"
    places = ", ".join(f"{result['camera']} {result['days']} days" for result in record["cameras"])
    return (
        f"{of} ({places}), profile `{record['profile']}`, seeds "
        f"{', '.join(map(str, record['seeds']))}; counted in {record['counted_in']}. Budget: "
        f"{record['budget_a_camera_and_day']:g} false alarms a camera and day. 90 % intervals.\n"
    )


def _facts(ways: dict[str, Any]) -> Iterator[Row]:
    found = list(ways.values())
    yield "first bank after", *(_with_unit(way["scored_after_s"], "s") for way in found)
    yield (
        "armed after (median)",
        *(f"{_with_unit(way['armed_after_h'], 'h')} ({way['armed']} cameras)" for way in found),
    )
    kinds = list(dict.fromkeys(kind for way in found for kind in way["recall"]))
    for kind in kinds:
        yield f"{kind}: found, median delay", *(_recall(way["recall"].get(kind)) for way in found)
    yield "all anomalies", *(_recall(way["all_anomalies"]) for way in found)
    yield "false alarms by cause", *(_causes(way["false_alarms_by_cause"]) for way in found)
    yield "memory, banks a camera", *(f"{way['memory_mb']:g} MB, {way['banks_mb']:g} MB" for way in found)
    yield "processor", *(f"{way['ms_a_frame']:g} ms a frame, {way['learning_s']:g} s of learning" for way in found)


def _heads(ways: dict[str, Any]) -> Row:
    return [
        "day",
        *(f"{way}: {what}" for way in ways for what in ("false alarms a camera", "looks in alarm", "cleaner")),
    ]


def _days(ways: dict[str, Any]) -> Iterator[Row]:
    for number in range(max((len(way["days"]) for way in ways.values()), default=0)):
        cells = [str(number + 1)]
        for way in ways.values():
            day = way["days"][number]
            share, low, high = (f"{100 * value:.0f}" for value in day["share"])
            cells += [
                f"{day['a_camera']:g} ({_interval(day['an_hour'])} an hour seen)",
                f"{day['looks_in_alarm']} of {day['looks']} ({share} % [{low}, {high}])",
                f"{day['cleaner']} alerts, {day['cleaner_came']} visits",
            ]
        yield cells


def _recall(found: dict[str, Any] | None) -> str:
    if found is None or not found["of"]:
        return "-"
    delay = "" if found["delay_s"] is None else f", {found['delay_s']:g} s"
    share, low, high = (f"{100 * value:.0f}" for value in found["share"])
    return f"{found['found']} of {found['of']} ({share} % [{low}, {high}]){delay}"


def _causes(causes: dict[str, int]) -> str:
    return ", ".join(f"{cause} {count}" for cause, count in causes.items()) or "none"


def _interval(values: Sequence[float]) -> str:
    rate, low, high = values
    return f"{rate:.3g} [{low:.3g}, {high:.3g}]"


def _with_unit(value: float | None, unit: str) -> str:
    return "never" if value is None else f"{value:g} {unit}"


def _table(head: Row, rows: Iterator[Row]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
