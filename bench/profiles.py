"""All shipped profiles on UCSD Ped2, as `patchwatch evaluate` judges them: areas, alarms, delays and costs.

``python -m bench.profiles [--data FOLDER] [--report FILE]`` writes ``bench/results/profiles.json``: the figures of the
report without its pictures, which the data set's terms keep here. ``--report`` takes a report that is there already.
Without CLIP weights (PATCHWATCH_CLIP_WEIGHTS) those of `clip` and `reference` are random, and the record says so.
Takes most of an hour on two cores.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # also when run as a file

from bench.measure import DATA  # noqa: E402
from patchwatch.evaluation.report.report import Report  # noqa: E402

RESULT = Path(__file__).parent / "results" / "profiles.json"
PROFILES = ("motion", "objects", "reference", "clip")
DETECTOR = Path("weights") / "yolov5nu-rebuilt.pt"  # within the data folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA, help="folder that holds ucsd_ped2")
    parser.add_argument("--report", type=Path, help="of `patchwatch evaluate`, instead of running it")
    parser.add_argument("--out", type=Path, default=RESULT)
    chosen = parser.parse_args()
    if chosen.report is None and not (chosen.data / "ucsd_ped2").is_dir():
        print(f"{chosen.data} holds no ucsd_ped2: nothing to measure on")
        return
    with tempfile.TemporaryDirectory() as folder:
        report = Report.read(chosen.report or evaluated(chosen.data, Path(folder) / "report.json"))
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    chosen.out.write_text(json.dumps(figures(report), indent=1) + "\n")


def evaluated(data: Path, report: Path) -> Path:
    """Run the command as its user would, on all profiles at once."""
    ped2 = data / "ucsd_ped2"
    environment = {"PATCHWATCH_DETECTOR_WEIGHTS": str(data / DETECTOR)} | dict(os.environ)
    if "PATCHWATCH_CLIP_WEIGHTS" not in environment:
        environment["PATCHWATCH_RANDOM_CLIP_WEIGHTS"] = "true"
    command = [sys.executable, "-m", "patchwatch", "evaluate", "run", "--json", str(report)]
    command += ["--train", str(ped2 / "training"), "--test", str(ped2 / "testing")]
    command += ["--labels", str(ped2 / "labels.json")]
    for name in PROFILES:
        command += ["--profile", name]
    subprocess.run(command, check=True, env=environment, cwd=ROOT)
    return report


def figures(report: Report) -> dict[str, Any]:
    """What the report found, and by what program and machine."""
    head = report.as_json()
    facts = {name: head[name] for name in ("commit", "created_at", "cpu", "cores")}
    return {"what": "all profiles on UCSD Ped2", **facts, "profiles": [result.summary() for result in report.profiles]}


if __name__ == "__main__":
    main()
