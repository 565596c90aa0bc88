"""The way of a frame through our code: the files and functions it enters from its packet to its committed score.

``python -m bench.trace`` runs a profile on a rendered file at real-time pace, with a Redis and processes of its own,
and counts every Python call of ours (`bench.trace_hook`). The film holds a rush that raises an alert, with its
explanation: ``ordinary`` is what the frames before it entered, ``entered_later`` what only those from there on did: for
the alert, and once a minute. ``bench/results/trace.json`` keeps one run per commit, profile and ``--label``, oldest
first, so that one version of the code can be held against another; a second run of the same takes the place of the
first. Runs without ``ordinary`` are of earlier versions of this program.

Counted are the calls of the thread that handles frames, in the capture process and in the inference worker, from
`WARM_UP_S` after the first frame to the last one: start-up and the loading of the bank are over by then. What a loop
does between frames is left out, and named in the record: calls that come less than once in two frames, and come from
the same caller when there are no frames at all.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import av

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]  # also when run as a file

from installation import Installation  # noqa: E402
from moving_scene import HEIGHT, WIDTH, scene  # noqa: E402
from role_process import RoleProcess  # noqa: E402
from waiting import wait_until  # noqa: E402

from bench.measure import RESULTS, write  # noqa: E402

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
ROOMS = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]  # what is ours
CAMERA = "gate"
FPS = 10
NORMAL_S, LIVE_S = 60, 72  # more than a minute, so that there is one to be summed up
RUSH_S = (25, 31)
WARM_UP_S, REST_S = 5.0, 8.0
LEARNT_WITHIN_S = 600.0
_LATE_SHARE = 0.04
LEGS = ("capture", "inference")
# Nothing may be dropped for its age, as the machine may be busy and tracing is slow; and each frame goes its way alone,
# so that calls per frame do not depend on how many came together.
SETTINGS: dict[str, Any] = {"max_age_s": 60.0, "source_timeout_s": 30.0, "batch_frames": 1, "queue_frames": 1000}

Call = tuple[int, int, str]  # depth, nanoseconds, FILE:FUNCTION:LINE
Edge = tuple[str, str]  # caller, called


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", default="motion", help="what the camera is scored with")
    parser.add_argument("--no-memory", action="store_true", help="of a camera that is not remembered")
    parser.add_argument("--label", default="", help="what this run is called in the record")
    parser.add_argument("--out", type=Path, default=RESULTS / "trace.json")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="patchwatch-trace-") as folder:
        site = TracedSite(Path(folder), chosen.profile, **({"memory_mb": 0} if chosen.no_memory else {}))
        try:
            film = site.watch()
        finally:
            site.close()
        run = {"label": chosen.label, "profile": chosen.profile, "frames": film.frames, "alerts": film.alerts}
        run["memory"] = not chosen.no_memory
        run |= site.legs(film)
    keep(run, chosen.out)


@dataclass(frozen=True)
class Film:
    """When frames came, on the monotonic clock, what came of them, and when nothing came any more. ``rush_ns``: until
    then they were ordinary ones."""

    from_ns: int
    rush_ns: int
    to_ns: int
    idle_from_ns: int
    frames: int
    alerts: list[str]


class TracedSite:
    """An installation whose ingest and inference write down their calls."""

    def __init__(self, folder: Path, profile: str, **settings: Any) -> None:
        self._media, self._calls, hook = (folder / name for name in ("media", "calls", "hook"))
        for made in (self._media, self._calls, hook):
            made.mkdir()
        shutil.copy(Path(__file__).with_name("trace_hook.py"), hook / "sitecustomize.py")
        settings = {**SETTINGS, "default_profile": profile, **settings}
        self._site = Installation(folder / "site", self._media, proxied=False, **settings)
        traced = self._site.settings.environment() | {
            "PYTHONPATH": os.pathsep.join(filter(None, (str(hook), os.environ.get("PYTHONPATH")))),
            "PYTHONTRACE_INTO": str(self._calls),
            "PYTHONTRACE_ROOMS": os.pathsep.join(f"{ROOT / room}{os.sep}" for room in ROOMS),
        }
        for role in ("ingest", "inference"):
            self._site.roles[role] = RoleProcess(role, traced, folder / f"{role}.log")

    def close(self) -> None:
        self._site.close()

    def watch(self) -> Film:
        """Learn, play the film to its end, and rest a while."""
        site = self._site
        site.start()
        normal = write_film(self._media / "normal.mp4", NORMAL_S)
        live = write_film(self._media / "live.mp4", LIVE_S, rush_s=RUSH_S)
        site.add_camera(CAMERA, "push:")
        assert site.enrol(CAMERA, normal, within_s=LEARNT_WITHIN_S)["state"] == "done"
        site.patch(f"/cameras/{CAMERA}", {"source": f"file:{live}"})
        wait_until(lambda: site.status(CAMERA)["capture"]["state"] == "ended", within_s=LIVE_S + 120, every_s=0.5)
        wait_until(lambda: site.status(CAMERA)["frames"]["in_queue"] == 0, every_s=0.5)
        idle_from_ns = time.monotonic_ns() + 2_000_000_000
        time.sleep(REST_S)
        return self._film(idle_from_ns)

    def _film(self, idle_from_ns: int) -> Film:
        ahead_ns = time.time_ns() - time.monotonic_ns()
        points = self._site.scores(CAMERA)
        captured_ns = [round(datetime.fromisoformat(point["t"]).timestamp() * 1e9) - ahead_ns for point in points]
        counted = [at_ns for at_ns in captured_ns if at_ns > captured_ns[0] + WARM_UP_S * 1e9]
        alerts = self._site.alerts()
        assert [alert for alert in alerts if alert["explanation"]], "the rush raised no alert with an explanation"
        kinds = [f"{alert['kind']} {alert['state']}" for alert in alerts]
        rush_ns = captured_ns[0] + RUSH_S[0] * 1_000_000_000
        return Film(counted[0], rush_ns, counted[-1] + 500_000_000, idle_from_ns, len(counted), kinds)

    def legs(self, film: Film) -> dict[str, Any]:
        """One entry for each leg, and both together."""
        legs = {leg: Leg.of(self._calls_of(leg, film), film) for leg in LEGS}
        files = {file for leg in legs.values() for file in files_of(leg.functions)}
        ordinary = {file for leg in legs.values() for file in files_of(leg.ordinary)}
        together = {
            "files": len(files), "ordinary_files": len(ordinary), "later_files": sorted(files - ordinary),
            "python_calls_per_frame": sum(leg.calls for leg in legs.values()),
        }  # fmt: skip
        return {"together": together, **{name: leg.as_json() for name, leg in legs.items()}}

    def _calls_of(self, leg: str, film: Film) -> list[Call]:
        """Of the process that did most while frames came: a capture may have been started more than once."""
        processes = [path for path in self._calls.iterdir() if leg_of(path) == leg]
        return max((calls_of(path, film) for path in processes), key=lambda calls: _count(calls, film))


def leg_of(path: Path) -> str:
    """The capture is what the ingest worker started."""
    with path.open() as file:
        argv = json.loads(file.readline())["argv"]
    return next((role for role in ("ingest", "inference") if role in argv), "capture")


@dataclass(frozen=True)
class Leg:
    """The calls of one process on the way of its frames. ``ordinary``: functions that frames before the rush entered.
    ``calls``: of one frame, as half of them have it at most (median), and of the one that has most."""

    functions: frozenset[str]  # FILE:FUNCTION:LINE
    ordinary: frozenset[str]
    calls: float
    most_calls: float
    deepest: int
    left_out: frozenset[str]

    @classmethod
    def of(cls, calls: list[Call], film: Film) -> Leg:
        edges = list(_edges(calls))
        seen = Counter(edge for (_, at_ns, _), edge in edges if film.from_ns <= at_ns <= film.to_ns)
        idle = {edge for (_, at_ns, _), edge in edges if at_ns > film.idle_from_ns}
        beside = {edge for edge in idle if seen[edge] < film.frames / 2}
        kept, left_out = _on_the_way(edges, beside, film)
        deepest = max(depth for depth, _, _ in kept)
        functions = frozenset(name for _, _, name in kept)
        ordinary = frozenset(name for _, at_ns, name in kept if at_ns < film.rush_ns)
        per_frame = calls_per_frame(kept, film.frames)
        return cls(functions, ordinary, float(median(per_frame)), max(per_frame), deepest, frozenset(left_out))

    def as_json(self) -> dict[str, Any]:
        return {
            "files": len(files_of(self.functions)), "functions": len(self.functions),
            "ordinary_files": len(files_of(self.ordinary)), "ordinary_functions": len(self.ordinary),
            "deepest_stack": self.deepest, "python_calls_per_frame": self.calls,
            "most_python_calls_of_a_frame": self.most_calls,
            "entered": by_file(self.functions), "entered_later": by_file(self.functions - self.ordinary),
            "left_out": sorted(name.rsplit(":", 1)[0] for name in self.left_out),
        }  # fmt: skip


def files_of(functions: Iterable[str]) -> set[str]:
    return {name.split(":")[0] for name in functions}


def by_file(functions: Iterable[str]) -> dict[str, list[str]]:
    """The functions of each file."""
    entered: dict[str, set[str]] = {}
    for name in functions:
        file, function, _ = name.split(":")
        entered.setdefault(file, set()).add(function)
    return {file: sorted(entered[file]) for file in sorted(entered)}


def calls_of(path: Path, film: Film) -> list[Call]:
    """All calls of the thread that made most of them while frames came."""
    names: dict[str, str] = {}
    threads: dict[str, list[Call]] = {}
    with path.open() as file:
        file.readline()
        for line in file:
            if not line.endswith("\n"):
                break  # the process ended while it wrote
            first, second, third, *rest = line.split()
            if first == "c":
                names[second] = third
            else:
                threads.setdefault(first, []).append((int(second), int(rest[0]), names[third]))
    return max(threads.values(), key=lambda calls: _count(calls, film))


def _count(calls: list[Call], film: Film) -> int:
    return sum(film.from_ns <= at_ns <= film.to_ns for _, at_ns, _ in calls)


def calls_per_frame(calls: list[Call], frames: int) -> list[float]:
    """Calls between one frame and the next: an outer function that is called once a frame parts them. A busy machine
    lets frames wait, and those that do go another way."""
    seen = Counter(name for _, _, name in calls)
    cut = 2 + frames * _LATE_SHARE  # at either end, where frames wait
    once = [call for call in calls if abs(seen[call[2]] - frames) <= cut]
    if not once:
        return [round(len(calls) / frames, 1)]
    _, _, mark = min(once)
    places = [place for place, (_, _, name) in enumerate(calls) if name == mark]
    return [float(later - place) for place, later in pairwise(places)]


def _edges(calls: list[Call]) -> Iterator[tuple[Call, Edge]]:
    """Each call with who called whom."""
    stack: list[str] = []
    for call in calls:
        depth, _, name = call
        del stack[max(0, depth - 1) :]
        yield call, (stack[-1] if stack else "", name)
        stack.append(name)


def _on_the_way(edges: list[tuple[Call, Edge]], beside: set[Edge], film: Film) -> tuple[list[Call], set[str]]:
    """The calls while frames came, without those beside the way and all that they call in turn; and what was left out
    so."""
    kept: list[Call] = []
    left_out: set[str] = set()
    beneath: int | None = None
    for call, edge in edges:
        depth, at_ns, name = call
        if beneath is not None and depth > beneath:
            continue
        beneath = depth if edge in beside else None
        if not film.from_ns <= at_ns <= film.to_ns:
            continue
        if beneath is None:
            kept.append(call)
        else:
            left_out.add(name)
    return kept, left_out


def write_film(path: Path, seconds: int, *, rush_s: tuple[int, int] = (0, 0)) -> Path:
    """The moving scene as H.264, one key frame a second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"preset": "veryfast", "g": str(FPS)})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number in range(seconds * FPS):
            rush = rush_s[0] <= number / FPS < rush_s[1]
            container.mux(stream.encode(av.VideoFrame.from_ndarray(scene(number / FPS, rush=rush), format="rgb24")))
        container.mux(stream.encode())
    return path


def keep(run: dict[str, Any], path: Path) -> None:
    """Add a run to the record."""
    with tempfile.TemporaryDirectory() as folder:
        alone = Path(folder) / "run.json"
        write("the way of a frame from its packet to its committed score", run, alone)
        record = json.loads(alone.read_text())
    what = record.pop("what")
    before = json.loads(path.read_text())["runs"] if path.exists() else []
    runs = [one for one in before if _what_of(one) != _what_of(record)] + [record]
    path.write_text(json.dumps({"what": what, "runs": runs}, indent=1) + "\n")


def _what_of(run: dict[str, Any]) -> tuple[str, str, str, bool]:
    return run["commit"], run["label"], run.get("profile", "motion"), run.get("memory", True)


if __name__ == "__main__":
    main()
