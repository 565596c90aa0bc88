"""The figures of the committed records, as the tables in docs/figures.md.

``python -m bench.table`` writes each between its two marks. Every figure is that of a record in ``bench/results``,
named in its row; what has no record has no row.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # also when run as a file

from bench.measure import RESULTS  # noqa: E402
from bench.suite_table import suite_table  # noqa: E402
from bench.weeks.table import weeks_table  # noqa: E402

PAGE = ROOT / "docs" / "figures.md"
BEGIN, END = "<!-- figures: python -m bench.table -->", "<!-- end of figures -->"
WEEKS_BEGIN, WEEKS_END = "<!-- weeks: python -m bench.table -->", "<!-- end of weeks -->"
SCENES_BEGIN, SCENES_END = "<!-- scenes: python -m bench.table -->", "<!-- end of scenes -->"
RECOMMENDED = "6"  # of the tolerances measured
Row = tuple[str, str, str]  # what, figure, record


def main() -> None:
    text = PAGE.read_text()
    parts = (
        (BEGIN, END, table()),
        (SCENES_BEGIN, SCENES_END, suite_table()),
        (WEEKS_BEGIN, WEEKS_END, weeks_table()),
    )
    for begin, end, content in parts:
        before, rest = text.split(begin)
        after = rest.split(end)[1]
        text = f"{before}{begin}\n{content}{end}{after}"
    PAGE.write_text(text)


def table() -> str:
    lines = ["| what | measured | record |", "|---|---|---|"]
    for what, figure, record in rows():
        lines.append(f"| {what} | {figure} | [{record}](../bench/results/{record}.json) |")
    return "\n".join(lines) + "\n"


def rows() -> Iterator[Row]:
    for device in ("cpu", "cuda"):
        yield from engine(f"engine-{device}")
    yield from probe("gpu-probe")
    for path in sorted(RESULTS.glob("pipeline-*.json")):
        yield from pipeline(path.stem)
    for path in sorted(RESULTS.glob("workers-*.json")):
        yield from workers(path.stem)
    yield from runtimes("runtimes")
    yield from stillness("stillness")
    yield from banks("banks")
    yield from service("service")
    yield from enrolment("enroll")
    yield from isolation("isolation")
    yield from queue("queue")


def queue(name: str) -> Iterator[Row]:
    ways = _record(name).get("ways", {})
    if ways:
        now, all_logged = (
            f"{ways[way]['log_gb_per_day_of_12_cameras']['median']:.3g}"
            for way in ("as it is: pictures not logged, fsync each second", "all logged, fsync each second")
        )
        what = "our own queue, GB logged a day for 12 cameras at 5 fps, before rewriting"
        yield what, f"{now}; with pictures {all_logged}", name


def engine(name: str) -> Iterator[Row]:
    record = _record(name)
    for profile, rate in record.get("frames_per_s", {}).items():
        share = record["share_of_bound"].get(profile)
        bound = f"; {share['median']:.0%} of its networks' bare forward rate" if share else ""
        yield f"`{profile}`, JPEG to score, frames/s", f"{_median(rate)}{bound}", name
    against = {"reference_vs_loop": "the plain loop it came from", "reference_vs_anomalib": "anomalib's PatchCore"}
    for ratio, other in against.items():
        if faster := record.get("ratios", {}).get(ratio):
            yield f"`reference` against {other}, same frames in turns", f"{_median(faster)} times as fast", name


def pipeline(name: str) -> Iterator[Row]:
    record = _record(name)
    held = [row for row in record["rows"] if row["sustained"]]
    if not held:
        return
    most = held[-1]
    figure = f"{most['cameras']}: p99 {most['latency_ms']['p99']:.0f} ms, {most['cores_per_camera']:.3f} cores each"
    yield (
        f"cameras of 640x360 at 5 fps with all on {record['machine']['cores']} cores, `{record['profile']}`, "
        f"{record['inference_workers']} inference worker(s)",
        figure,
        name,
    )


def runtimes(name: str) -> Iterator[Row]:
    record = _record(name)
    for kind in ("networks_pictures_per_s", "profiles_frames_per_s"):
        for what, row in record.get(kind, {}).items():
            yield f"OpenVINO against torch, {what}", f"{_median(row['times_faster'])} times as fast", name


def workers(name: str) -> Iterator[Row]:
    record = _record(name)
    rates = ", ".join(f"{count}: {rate['median']:g}" for count, rate in record["frames_per_s"].items())
    how = (", fused" if record.get("fused") else "") + (", MPS" if name.endswith("-mps") else "")
    yield f"`{record['profile']}`{how}, JPEG to score, frames/s of workers on one {record['device']}", rates, name


def probe(name: str) -> Iterator[Row]:
    for row in _record(name).get("networks", ()):
        figure = f"{row['recorded_in_s']:g} s, {row['memory_mb']:g} MB; widest gap to the module {row['widest_gap']:g}"
        yield f"{row['network']}: all batch sizes recorded for the GPU before a camera is taken", figure, name


def stillness(name: str) -> Iterator[Row]:
    for clip, rows in _record(name).get("clips", {}).items():
        for tolerance, row in rows.items():
            if tolerance == RECOMMENDED:
                what = f"still frames pass the detector once a second (tolerance {tolerance}), {clip}"
                figure = f"{row['share_that_pass']:.0%} pass, {row['recall']:.1%} of the objects are found"
                yield what, f"{figure}; detector and flow {row['times_faster']['median']:g} times as fast", name


def banks(name: str) -> Iterator[Row]:
    record = _record(name)
    if rows := record.get("by_cameras"):
        figures = ", ".join(f"{row['cameras']}: {row['ms']['median']:g} ms" for row in rows)
        yield "comparing a `motion` frame with normal, by cameras whose banks are loaded", figures, name


def service(name: str) -> Iterator[Row]:
    record = _record(name)
    for clients, latency in record.get("alert_ms", {}).items():
        yield f"an alert at {clients}, scores flowing", f"p50 {latency['median']} ms, p99 {latency['p99']} ms", name
    if day := record.get("day_by_the_minute_ms"):
        yield "a day of scores by the minute, over REST", f"p50 {day['median']} ms, p99 {day['p99']} ms", name
        size = record["redis_bytes_per_camera_and_hour_of_scores"] / 2**20
        yield "Redis, per camera and hour of scores", f"{size:.2f} MiB", name


def enrolment(name: str) -> Iterator[Row]:
    record = _record(name)
    for profile, rate in record.get("footage", {}).items():
        yield f"`{profile}`, minutes of footage learnt per minute", _median(rate["minutes_per_minute"]), name
    for row in record.get("k_center", {}).get("rows", ()):
        what = f"k-center, {record['k_center']['shape'][0]} vectors, {row['ratio']:.0%}, against the plain loop"
        yield what, f"{_median(row['times_faster'])} times as fast", name


def isolation(name: str) -> Iterator[Row]:
    record = _record(name)
    if record:
        what = "rate that eight cameras lose beside one that flaps and one that is damaged"
        yield what, f"{max(0.0, record['rate_lost']):.1%}", name


def _record(name: str) -> dict[str, Any]:
    path = RESULTS / f"{name}.json"
    return dict(json.loads(path.read_text())) if path.exists() else {}


def _median(values: dict[str, float]) -> str:
    return f"{values['median']:g} [{values['p10']:g}, {values['p90']:g}]"


if __name__ == "__main__":
    main()
