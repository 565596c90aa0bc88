"""The scenes of bench/suite.toml, as `patchwatch evaluate suite` measures them: the worst first.

``python -m bench.suite [--data FOLDER] [--profile NAME ...] [--keep]`` writes ``bench/results/suite.json``: the
report, which ``patchwatch evaluate compare`` holds against that of another commit. It is written after each profile,
and says by which commit each was measured; with ``--keep`` those that are not measured stay in it as they were. Scenes
that are not there are left out, and the report says so. `motion` takes two minutes of processor time, `objects` many
times that.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # also when run as a file

from bench.measure import DATA, RESULTS  # noqa: E402

SUITE = Path(__file__).with_suffix(".toml")
RESULT = RESULTS / "suite.json"
PROFILES = ("motion", "objects")
DETECTOR = Path("weights") / "yolov5nu-rebuilt.pt"  # within the data folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA, help="folder that the scenes are in")
    parser.add_argument("--profile", action="append", help=f"default: {', '.join(PROFILES)}")
    parser.add_argument("--keep", action="store_true", help="keep the record's other profiles, each with its commit")
    parser.add_argument("--out", type=Path, default=RESULT)
    chosen = parser.parse_args()
    if not chosen.data.is_dir():
        print(f"{chosen.data} is not there: nothing to measure on")
        return
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    profiles = chosen.profile or PROFILES
    tree = kept(chosen.out, profiles) if chosen.keep else {}
    for profile in profiles:
        tree = joined(tree, measured(chosen.data.resolve(), profile))
        chosen.out.write_text(json.dumps(tree, separators=(",", ":")) + "\n")


def kept(record: Path, but: Sequence[str]) -> dict[str, Any]:
    """The record without these profiles, each of the others with the commit that measured it."""
    tree = dict(json.loads(record.read_text()))
    others = (profile for profile in tree["profiles"] if profile["profile"] not in but)
    return tree | {"profiles": [{"commit": tree["commit"], **profile} for profile in others]}


def joined(before: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """The report of further profiles, with those of before it."""
    new = [profile | {"commit": found["commit"]} for profile in found["profiles"]]
    return found | {"profiles": [*before.get("profiles", ()), *new]}


def measured(data: Path, profile: str) -> dict[str, Any]:
    """The report of one profile, by the command as its user would run it."""
    environment = {"PATCHWATCH_DETECTOR_WEIGHTS": str(data / DETECTOR)} | dict(os.environ)
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "suite.json"
        command = [sys.executable, "-m", "patchwatch", "evaluate", "suite", str(SUITE), "--base", str(data)]
        command += ["--skip-missing", "--profile", profile, "--json", str(report)]
        subprocess.run(command, check=True, env=environment, cwd=ROOT)
        return dict(json.loads(report.read_text()))


if __name__ == "__main__":
    main()
