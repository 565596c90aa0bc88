"""How many cameras this machine sustains with everything on it: RTSP, ingest, Redis, inference and service.

``python -m bench.pipeline --profile motion`` runs real processes over a real Redis and writes
``bench/results/pipeline-PROFILE.json``; ``--inference 2`` with so many inference workers. The cameras (gst-rtsp-server,
on the same cores) send real footage of 640x360 at ten frames a second in a loop, encoded before; five are analysed.
With ``--one-moves-in 10`` nine in ten show an empty room, with a sensor's noise and the camera's compression. More and
more of them are added until 99 in 100 frames are no longer scored within 500 ms of their capture, or a frame is lost.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]  # also when run as a file

import footage  # noqa: E402
from cameras import Cameras  # noqa: E402
from installation import Installation  # noqa: E402
from memory import peak_mib  # noqa: E402
from role_process import captures_of  # noqa: E402

from bench.measure import DATA, RESULTS, write  # noqa: E402
from patchwatch.messages.frames.score import Score  # noqa: E402

CLIP = "one-by-one-person-detection.mp4"
SIZE = (640, 360)
FPS = 5.0
WITHIN_S = 0.5
STEPS = (1, 2, 4, 8, 12, 16, 20, 24, 28, 32, 40, 48)
SETTLE_S, SETTLE_AT_MOST_S = 10.0, 90.0
_TICKS = os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", default="motion")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--seconds", type=float, default=30.0, help="that each number of cameras is watched")
    parser.add_argument("--steps", type=int, nargs="+", default=list(STEPS))
    parser.add_argument("--inference", type=int, default=1, help="workers")
    parser.add_argument("--one-moves-in", type=int, default=1, help="cameras; the others show a still scene")
    parser.add_argument("--device", default="auto", help="PATCHWATCH_DEVICE")
    parser.add_argument("--threads", type=int, help="PATCHWATCH_THREADS of each worker")
    parser.add_argument("--still-tolerance", type=float, default=0.0, help="PATCHWATCH_STILL_TOLERANCE")
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="patchwatch-pipeline-") as folder:
        body = measure(Path(folder), chosen)
    name = f"pipeline-{chosen.profile}" + (f"-{chosen.inference}-workers" if chosen.inference > 1 else "")
    name += f"-one-in-{chosen.one_moves_in}" if chosen.one_moves_in > 1 else ""
    write("cameras sustained with everything on one machine", body, chosen.out or RESULTS / f"{name}.json")


def measure(folder: Path, chosen: argparse.Namespace) -> dict[str, Any]:
    pictures = real_pictures(chosen.data / "clips" / CLIP)
    units, media = folder / "units", folder / "media"
    units.mkdir()
    media.mkdir()
    footage.write_variant(units / "normal.units", lambda at_s: pictures[round(at_s * footage.FPS) % len(pictures)])
    empty = real_pictures(chosen.data / "clips" / CLIP, since_s=0.0)[0]
    footage.write_variant(units / "still.units", lambda _: empty)
    recording = write_loops(media / "normal.mp4", pictures, loops=5)
    names = tuple(f"cam{number:02d}" for number in range(1, max(chosen.steps) + 1))
    server, site = Cameras(units, *names), installation(folder / "site", media, chosen)
    rows: list[dict[str, Any]] = []
    try:
        server.start()
        for number, name in enumerate(names):
            if number % chosen.one_moves_in:
                server.tell(name, "show", "still")
        site.start()
        for number in range(2, chosen.inference + 1):
            site.add("inference", f"inference {number}")
        for count in sorted(chosen.steps):
            add_cameras(site, server, names[:count], chosen.profile, recording)
            rows.append(watch(site, server, names[:count], chosen.seconds))
            print(rows[-1], flush=True)
            if not rows[-1]["sustained"]:
                break
    finally:
        site.close()
        server.stop()
    return record(rows, chosen)


def installation(folder: Path, media: Path, chosen: argparse.Namespace) -> Installation:
    return Installation(
        folder,
        media,
        proxied=False,
        analysis_fps=FPS,
        queue_frames=64,
        max_age_s=5.0,
        detector_weights=chosen.data / "weights" / "yolov5nu-rebuilt.pt",
        device=chosen.device,
        threads=chosen.threads,
        still_tolerance=chosen.still_tolerance,
    )


def record(rows: list[dict[str, Any]], chosen: argparse.Namespace) -> dict[str, Any]:
    held = [row for row in rows if row["sustained"]]
    return {
        "profile": chosen.profile, "inference_workers": chosen.inference, "device": chosen.device,
        "threads": chosen.threads, "still_tolerance": chosen.still_tolerance, "one_moves_in": chosen.one_moves_in,
        "footage": f"{CLIP} at {SIZE[0]}x{SIZE[1]}, {footage.FPS} fps in a loop",
        "analysed_fps": FPS, "within_ms": 1000 * WITHIN_S, "most_cameras": held[-1]["cameras"] if held else 0,
        "rows": rows,
    }  # fmt: skip


def real_pictures(clip: Path, since_s: float = 9.0) -> list[np.ndarray[Any, Any]]:
    """A loop's length of footage at the cameras' size; from 9 s on there are people in it."""
    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        every = max(1, round(float(stream.average_rate or 10) / footage.FPS))
        container.seek(int(since_s * av.time_base))
        frames = (frame for number, frame in enumerate(container.decode(stream)) if number % every == 0)
        chosen = islice(frames, footage.FPS * footage.LOOP_S)
        return [cv2.resize(frame.to_ndarray(format="rgb24"), SIZE) for frame in chosen]


def write_loops(path: Path, pictures: list[np.ndarray[Any, Any]], loops: int) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=footage.FPS, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        for picture in pictures * loops:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path


def add_cameras(site: Installation, server: Cameras, names: tuple[str, ...], profile: str, recording: Path) -> None:
    """Those that are not there yet, each with a bank of the first one's footage; returns once all are scored."""
    there = {status["camera_id"] for status in site.get("/status")["statuses"]}
    banks = site.settings.banks_dir
    for name in names:
        if name in there:
            continue
        if name != names[0]:
            shutil.copytree(banks / names[0], banks / name)
        site.add_camera(name, server.url(name), profile=profile)
        if name == names[0]:
            assert site.enrol(name, recording, within_s=300.0)["state"] == "done"
    site.wait_until_ok(*names, within_s=180)


@dataclass(frozen=True)
class Moment:
    """Counts since the start: frames scored and lost, processor time by kind of process, and that of the program that
    plays the cameras, on the same cores but no part of the product."""

    at_s: float
    frames: Counter[str]
    cpu_s: dict[str, float]
    cameras_cpu_s: float

    @classmethod
    def now(cls, site: Installation, server: Cameras) -> Moment:
        return cls(time.time(), frames(site), cpu_s(site), _cpu_s(server.pid))


def watch(site: Installation, server: Cameras, names: tuple[str, ...], seconds: float) -> dict[str, Any]:
    """One row: latency, losses, processor time and memory with these cameras."""
    settle(site, names)
    before = Moment.now(site, server)
    time.sleep(seconds)
    after = Moment.now(site, server)
    took_s = after.at_s - before.at_s
    lags_ms = [1000 * lag_s for lag_s in lags(site, names, before.at_s)]
    p50, p99 = (round(float(np.percentile(lags_ms, q)), 1) for q in (50, 99))
    lost = after.frames["lost"] - before.frames["lost"]
    rate = (after.frames["scored"] - before.frames["scored"]) / took_s / len(names)
    cores = {kind: round((after.cpu_s[kind] - before.cpu_s[kind]) / took_s, 3) for kind in after.cpu_s}
    return {
        "cameras": len(names), "scored_per_s_and_camera": round(rate, 3), "lost": lost,
        "latency_ms": {"p50": p50, "p99": p99, "worst": round(max(lags_ms), 1)},
        "cores": cores, "cores_per_camera": round(sum(cores.values()) / len(names), 4),
        "cores_of_the_cameras_program": round((after.cameras_cpu_s - before.cameras_cpu_s) / took_s, 3),
        "peak_mib": {kind: round(max(map(peak_mib, pids)), 1) for kind, pids in processes(site).items()},
        "sustained": p99 <= 1000 * WITHIN_S and not lost and rate > 0.98 * FPS,
    }  # fmt: skip


def settle(site: Installation, names: tuple[str, ...]) -> None:
    """Until what waited while cameras were added is scored: nobody adds cameras all day. Not for ever, though."""
    deadline_s = time.monotonic() + SETTLE_AT_MOST_S
    time.sleep(SETTLE_S)
    while max(lags(site, names, time.time() - 3.0), default=1e9) > WITHIN_S and time.monotonic() < deadline_s:
        time.sleep(2.0)


def frames(site: Installation) -> Counter[str]:
    total: Counter[str] = Counter()
    for status in site.get("/status")["statuses"]:
        total["scored"] += status["frames"]["scored"]
        total["lost"] += sum(status["frames"]["dropped"].values())
    return total


def lags(site: Installation, names: tuple[str, ...], since_s: float) -> list[float]:
    """From capture to score of every frame captured since then, in seconds."""
    latencies_s = []
    for name in names:
        for _, fields in site.redis.client.xrange(site.keys(name).scores, min=int(since_s * 1000)):
            score = Score.decode(fields)
            latencies_s.append((score.scored_at_ns - score.captured_at_ns) / 1e9)
    return latencies_s


def processes(site: Installation) -> dict[str, list[int]]:
    """Process ids by kind."""
    roles: dict[str, list[int]] = {}
    for name, process in site.roles.items():
        if process.running:
            roles.setdefault(name.split()[0], []).append(process.pid)
    return roles | {"capture": captures_of(site.roles["ingest"].pid), "redis": [site.redis.pid]}


def cpu_s(site: Installation) -> dict[str, float]:
    """Processor time that the processes of each kind have used."""
    return {kind: sum(map(_cpu_s, pids)) for kind, pids in processes(site).items()}


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


if __name__ == "__main__":
    main()
