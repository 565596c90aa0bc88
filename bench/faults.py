"""Every fault of the suite, struck on a running installation; the table of what was seen.

``python -m bench.faults`` runs ``tests/faults`` whole, writes ``bench/results/faults.json`` and, from it,
``docs/faults.md``; ``--render`` only writes the page again. It needs redis-server and gst-rtsp-server, and minutes.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from itertools import groupby
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # also when run as a file

from bench.measure import RESULTS, write  # noqa: E402

RESULT = RESULTS / "faults.json"
PAGE = ROOT / "docs" / "faults.md"
_DATA_DIR = re.compile(r"/[^\s\"]*/pytest-of-[^\s\"]*?/data\b")  # of the run: says nothing to others
_HEAD = """\
# Faults

What users of a running installation see of each fault, how soon it is over, and what it costs. `make faults` strikes
them all and writes this page; nothing here is written by hand. The installation has one process per role, a Redis
behind a TCP proxy, and {cameras} RTSP cameras (gst-rtsp-server) that are scored with the `motion` profile; pauses
before reconnecting are 0.5 to 2 s.{others}

*Seen* is the `health` of a camera that was hit, as the API tells it ten times a second. *Recovered* counts from the end
of the cause (it *lasted* so long) to the first score of a frame captured after it, on all cameras that were hit; a
limit, where one is promised, stands behind it. *Lost* are frames of these cameras that were captured and not scored, by
reason: after each fault captured = scored + dropped + queued holds for every camera.

{at}, commit `{commit}`, {cpu}, {cores} cores, load {load_1min} at the end.
"""


_OTHERS = {
    "Hosts": "The second host is a network namespace of another host name, with a cable that is pulled.",
    "Upgrade": "The upgrade begins with the processes of the release before.",
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--render", action="store_true", help="write the page from the record, and strike nothing")
    status = 0
    if not parser.parse_args().render:
        status = strike()
    PAGE.write_text(page(json.loads(RESULT.read_text())))
    print(f"wrote {PAGE.relative_to(ROOT)}")
    return status


def strike() -> int:
    """Run the suite and write its record; pytest's exit status."""
    with tempfile.TemporaryDirectory() as folder:
        rows = Path(folder) / "rows.json"
        command = ["pytest", "tests/faults", "-m", "long or not long", "--record-faults", str(rows)]
        status = subprocess.run([sys.executable, "-m", *command], cwd=ROOT).returncode
        result = json.loads(without_folders(rows.read_text()))
        write("faults struck on a running installation", {"faults": result}, RESULT)
    return status


def without_folders(record: str) -> str:
    """Where this run kept its data goes by the setting's name."""
    return _DATA_DIR.sub("DATA_DIR", record)


def page(record: dict[str, Any]) -> str:
    """The record as Markdown."""
    groups = {row["group"] for row in record["faults"]}
    others = "".join(f"\n{text}" for group, text in _OTHERS.items() if group in groups)
    about = {"others": others, "at": record["at"], "commit": record["commit"], "cameras": "three", **record["machine"]}
    parts = [_HEAD.format(**about)]
    for group, rows in groupby(record["faults"], key=lambda row: row["group"]):
        parts.append(f"\n## {group}\n\n| fault | seen | lasted | recovered | lost |\n|---|---|---|---|---|\n")
        parts += [_line(row) for row in rows]
    return "".join(parts)


def _line(row: dict[str, Any]) -> str:
    seen = "; ".join(row["sees"]) if row["passed"] else f"**failed**: {row['failure']}"
    cells = (row["fault"], seen, _seconds(row["lasted_s"]), _recovered(row), _lost(row))
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |\n"


def _recovered(row: dict[str, Any]) -> str:
    limit = f" (≤ {row['limit_s']:g} s)" if row["limit_s"] is not None else ""
    again = f", best of {row['tries']}" if row["tries"] > 1 else ""
    return _seconds(row["recovered_s"]) + limit + again


def _lost(row: dict[str, Any]) -> str:
    if row["lost"] is None:
        return "-"
    by_reason = ", ".join(f"{count} `{reason}`" for reason, count in row["lost"].items())
    return f"{by_reason or 'none'} of {row['captured']}"


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} s"


if __name__ == "__main__":
    raise SystemExit(main())
