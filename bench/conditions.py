"""False conditions: what is said of cameras with which nothing is wrong.

``python -m bench.conditions [--data FOLDER]`` writes ``bench/results/conditions.json``. Each file is watched from
nothing, its first third being what the bank has seen; then all files of a scene joined as one camera, its training
clips known; then that as a time lapse, every tenth picture at one a second. Times and kinds of all that opened are
listed, and how long each lasted.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import cv2

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # also when run as a file

from bench.measure import DATA, RESULTS, write  # noqa: E402
from bench.scenes import TIME_LAPSE, frames_of, joined, scenes  # noqa: E402
from models.alarms.event_detector import AlertGate  # noqa: E402
from models.exemplars.provenance import thumbnail  # noqa: E402
from models.frames.frame import Frame  # noqa: E402
from models.frames.optical_flow import MAX_GAP_S  # noqa: E402
from models.frames.scene_cuts import SceneCuts  # noqa: E402
from models.tampering.condition import Blindness, Condition  # noqa: E402
from models.tampering.detector import TamperingDetector  # noqa: E402
from models.tampering.expectation import Expectation  # noqa: E402

KNOWN = 40  # thumbnails of what a bank has seen, evenly spread
EVERY, LAPSE_S = 10, 1.0
MODES = ("files", "joined", "time_lapse")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--out", type=Path, default=RESULTS / "conditions.json")
    parser.add_argument("--only", nargs="+", help="scenes")
    chosen = parser.parse_args()
    cv2.setNumThreads(1)
    result = {
        name: scene(name, files) for name, files in scenes(chosen.data).items() if name in (chosen.only or [name])
    }
    write("false conditions", {"scenes": result, "per_hour": {mode: rates(result, mode) for mode in MODES}}, chosen.out)


def scene(name: str, files: Sequence[Path]) -> dict[str, Any]:
    """What is told of one scene, in each way of watching."""
    clips = [list(frames_of(path)) for path in files]
    first = [frame for path, clip in zip(files, clips, strict=True) if "training" in path.parts for frame in clip]
    known = first or clips[0][: len(clips[0]) // 3]
    each = [conditions_in(clip, clip[: len(clip) // 3]) for clip in clips]
    rows = {"files": added(each), "joined": conditions_in(joined(clips), known)}
    if name != TIME_LAPSE:
        rows["time_lapse"] = conditions_in(joined([[f for clip in clips for f in clip][::EVERY]], LAPSE_S), known)
    print(name, {mode: (row["seconds"], row["opened"]) for mode, row in rows.items()}, file=sys.stderr, flush=True)
    return rows


def conditions_in(frames: Iterable[Frame], known: Sequence[Frame]) -> dict[str, Any]:
    """Conditions that open in footage of a camera whose bank was learnt from ``known``."""
    watch, blindness, cuts = TamperingDetector(), Blindness(), SceneCuts()
    watch.expect(Expectation([thumbnail(frame.rgb) for frame in known[:: max(1, len(known) // KNOWN)]]))
    changes: list[Condition] = []
    last_s, pictures, held = float("-inf"), 0, 0
    for frame in map(cuts.mark, frames):
        sight = watch.observe(frame)
        silent = frame.discontinuity or not 0.0 < frame.at_s - last_s <= MAX_GAP_S  # as the streams of flow are
        changes += [*sight.changes, *blindness.observe(frame.at_s, silent=silent, jumped=frame.discontinuity)]
        held += sight.gate is not AlertGate.OPEN
        last_s, pictures = frame.at_s, pictures + 1
    changes += [*watch.finish(), *blindness.finish()]
    ended = [change for change in changes if change.ended_s is not None]
    return {
        "seconds": round(max(0.0, last_s), 1), "pictures": pictures, "not_judged": held,
        "opened": dict(Counter(change.kind.value for change in ended)),
        "spans_s": [[one.kind.value, round(one.opened_s, 1), round(one.ended_s or 0.0, 1)] for one in ended],
    }  # fmt: skip


def added(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Several files as one row."""
    opened: Counter[str] = Counter()
    for row in rows:
        opened.update(row["opened"])
    return {
        "seconds": round(sum(row["seconds"] for row in rows), 1), "pictures": sum(row["pictures"] for row in rows),
        "not_judged": sum(row["not_judged"] for row in rows), "opened": dict(opened),
        "spans_s": [span for row in rows for span in row["spans_s"]],
    }  # fmt: skip


def rates(rows_by_scene: dict[str, Any], mode: str) -> dict[str, Any]:
    """All scenes in one way of watching, a time lapse of days apart: of each kind, how many an hour."""
    rows = [row[mode] for name, row in rows_by_scene.items() if mode in row and name != TIME_LAPSE]
    total = added(rows)
    hours = total["seconds"] / 3600
    return {
        "hours": round(hours, 3), "share_not_judged": round(total["not_judged"] / max(1, total["pictures"]), 4),
        "false_per_hour": {kind: round(number / hours, 2) for kind, number in total["opened"].items()},
    }  # fmt: skip


if __name__ == "__main__":
    main()
