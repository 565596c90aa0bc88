"""Many cameras, random faults, known anomalies; then the account.

``python -m bench.soak --minutes 30 --cameras 12 --seed 1`` (or ``make soak``) runs an installation of real processes
over real RTSP and Redis. It alternates: a random fault and the recovery from it, then anomalies on some cameras,
through half of which another fault strikes the workers. Banks are learnt once, from a recording, and nothing is
remembered; with ``--learning`` the cameras arm themselves from nothing, and while anomalies are shown banks are made
anew from memory, and swapped for those that score. Then memory and the pictures in banks have small budgets, which are
full after a third of the run: with the usual ones banks go on growing for forty minutes, which nothing tells from a
leak before. Processes are killed in that first third only, so that of each kind some live long enough to tell whether
they leak. At the end it checks, and fails (exit status 1) unless

- for every camera captured = scored + dropped by reason + queued, and as many scores are kept as were counted;
- every anomaly was alerted exactly once, and nothing was alerted on a camera that was undisturbed (but for alerts at
  the provisional level of a bank of some seconds);
- no kind of process leaks (memory in use beyond warm-up, with a 99 % interval: `memory_growth`);
- of the frames scored, 99 in 100 were scored within ``max_age`` and a second for their batch;
- every bank that was asked for was made, and banks were swapped;
- every camera is scored at the end.

Where a run is too short to tell whether something leaks it says so, and its exit status is 3. It writes
``bench/results/soak.json``.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import numpy as np

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]  # also when run as a file

from alert_feed import AlertFeed  # noqa: E402
from cameras import Cameras  # noqa: E402
from footage import write_recording, write_units  # noqa: E402
from installation import Installation  # noqa: E402
from memory import Life, MemoryWatch, probed  # noqa: E402
from memory_growth import LEAK_MIB, Verdict, growth  # noqa: E402
from mischief import Mischief  # noqa: E402
from remade_banks import RemadeBanks  # noqa: E402
from role_process import captures_of  # noqa: E402
from status_watch import seconds  # noqa: E402
from tcp_proxy import TcpProxy  # noqa: E402
from waiting import wait_until  # noqa: E402

from bench.measure import RESULTS, write  # noqa: E402
from patchwatch.messages.frames.score import Score  # noqa: E402

RESULT = RESULTS / "soak.json"
ANALYSIS_FPS = 3.0  # twelve cameras leave two cores some room
RUSH_S = 3.0
CLOSED_WITHIN_S = 30.0
BATCH_S = 1.0  # a frame that is not too old when it is taken is scored this much later at most
LAST_WORDS_S = 0.5  # what a killed process had on the way
CALM_S = 3.0  # between a recovery and what comes next
AT_ONCE = 3
KINDS = ("ingest", "inference", "enrolment", "delivery", "service", "capture")
FAILED, TOO_SHORT = 1, 3  # exit statuses
ARMED_WITHIN_S = 300.0
KILLING_SHARE = 1 / 3  # of a run, at its beginning: then each process lives on, long enough to tell a leak
FIRST_BANK_S = 30.0  # several loops of the footage
REMEMBERED = {"memory_mb": 2, "bank_thumbnails_mb": 0.5}  # of a camera that learns; full after some five minutes
SETTINGS = {"analysis_fps": ANALYSIS_FPS, "max_age_s": 5.0, "queue_frames": 64, "source_timeout_s": 5.0}


@dataclass
class Anomaly:
    camera_id: str
    began_s: float
    ended_s: float = 0.0
    struck: str = ""  # the fault that came in between
    alerts: list[str] = field(default_factory=list)


@dataclass
class Diary:
    """What was done, and when the cameras were not themselves."""

    faults: Counter[str] = field(default_factory=Counter)
    anomalies: list[Anomaly] = field(default_factory=list)
    disturbed: list[tuple[float, float]] = field(default_factory=list)  # Unix seconds
    skipped: int = 0  # anomalies not injected, for an alert of the fault before was still open


class Soak:
    """The installation and its cameras."""

    def __init__(self, folder: Path, cameras: int, seed: int, learning: bool = True) -> None:
        self.chance = random.Random(seed)
        self.names = tuple(f"cam{number:02d}" for number in range(1, cameras + 1))
        units = write_units(folder / "units")
        halves = [half for half in (self.names[::2], self.names[1::2]) if half]
        self.groups = [(server, TcpProxy(server.port)) for server in (Cameras(units, *half) for half in halves)]
        media = folder / "media"
        media.mkdir()
        self.recording = write_recording(media / "normal.mp4", loops=8)
        self.memory = folder / "memory"
        self.memory.mkdir()
        memory = REMEMBERED if learning else {"memory_mb": 0}  # what comes and goes would hide a leak
        settings = SETTINGS | {"self_arm": learning, "self_arm_after_s": FIRST_BANK_S} | memory
        self.site = Installation(folder / "site", media, proxied=True, environment=probed(self.memory), **settings)
        self.mischief = Mischief(self.site, self.groups, self.chance, learning=learning)
        self.banks = RemadeBanks(self.site, self.chance) if learning else None
        self.diary = Diary()

    def start(self) -> None:
        for server, _ in self.groups:
            server.start()
        self.site.start()
        for server, proxy in self.groups:
            for name in server.names:
                self.site.add_camera(name, server.url(name, proxy.port))
        if self.banks is None:
            self._enrol()
        began_s = time.time()
        self.site.wait_until_ok(*self.names, within_s=ARMED_WITHIN_S)
        self._until_closed(list(self.names))
        self.diary.disturbed.append((began_s, time.time()))

    def _enrol(self) -> None:
        first, *rest = self.names
        assert self.site.enrol(first, self.recording)["state"] == "done"
        for name in rest:  # they show the same scene
            shutil.copytree(self.site.settings.banks_dir / first, self.site.settings.banks_dir / name)

    def close(self) -> None:
        self.site.close()
        for server, proxy in self.groups:
            proxy.close()
            server.stop()

    def cycle(self) -> None:
        """A fault and the recovery, then anomalies."""
        began_s = time.time()
        name = self.mischief.strike()
        self._recover(name, began_s)
        chosen = self.chance.sample(self.names, min(AT_ONCE, len(self.names)))
        self._until_closed(chosen)  # what the fault itself was taken for
        quiet = [camera_id for camera_id in chosen if not self._alerting(camera_id)]
        self.diary.skipped += len(chosen) - len(quiet)
        self._show_anomalies(quiet)

    def _recover(self, name: str, began_s: float) -> None:
        """Until each camera has a score of a frame captured after the fault: until then `ok` may be old news."""
        lifted_s = time.time() + LAST_WORDS_S
        wait_until(lambda: self._scored_since(lifted_s), within_s=180, every_s=0.2)
        self.site.wait_until_ok(*self.names, within_s=180)
        self.diary.faults[name] += 1
        time.sleep(CALM_S)
        self.diary.disturbed.append((began_s, time.time()))

    def _scored_since(self, at_s: float) -> bool:
        try:
            statuses = self.site.get("/status")["statuses"]
        except httpx.HTTPError:
            return False
        last = {status["camera_id"]: status["last_score"] for status in statuses}
        return all(last.get(name) and seconds(last[name]["t"]) > at_s for name in self.names)

    def _show_anomalies(self, names: list[str]) -> None:
        if self.banks is not None:
            self.banks.remake(names)
        shown = [Anomaly(name, time.time()) for name in names]
        for anomaly in shown:
            self._server(anomaly.camera_id).tell(anomaly.camera_id, "show", "rush")
        time.sleep(RUSH_S / 2)
        if self.chance.random() < 0.5 and shown:
            began_s = time.time()
            struck = self.mischief.strike_a_worker()
            for anomaly in shown:
                anomaly.struck = struck
            self._recover(struck, began_s)
        time.sleep(RUSH_S / 2)
        for anomaly in shown:
            self._server(anomaly.camera_id).tell(anomaly.camera_id, "show", "normal")
            anomaly.ended_s = time.time()
        self.diary.anomalies += shown
        time.sleep(1.0 + RUSH_S)  # what was shown last is scored and told by then
        self._until_closed(names)

    def _until_closed(self, names: list[str]) -> None:
        deadline_s = time.monotonic() + CLOSED_WITHIN_S
        while any(map(self._alerting, names)) and time.monotonic() < deadline_s:
            time.sleep(0.5)

    def _alerting(self, camera_id: str) -> bool:
        return any(alert["kind"] == "anomaly" for alert in self.site.alerts(camera=camera_id, state="open"))

    def _server(self, camera_id: str) -> Cameras:
        return next(server for server, _ in self.groups if camera_id in server.names)

    def pids(self) -> dict[str, list[int]]:
        """Of every kind of process."""
        roles = {name: [process.pid] for name, process in self.site.roles.items() if process.running}
        ingest = roles.get("ingest", [])
        try:
            captures = captures_of(ingest[0]) if ingest else []
        except FileNotFoundError:
            captures = []
        return roles | {"capture": captures}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--cameras", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--learning", action="store_true")
    parser.add_argument("--out", type=Path, default=RESULT)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="patchwatch-soak-") as folder:
        body = soak(Path(folder), chosen.minutes, chosen.cameras, chosen.seed, chosen.learning)
    about = {"minutes": chosen.minutes, "cameras": chosen.cameras, "seed": chosen.seed, "learning": chosen.learning}
    write("soak: many cameras, random faults, known anomalies", about | body, chosen.out)
    print(summary(about | body))
    return exit_status(body["checks"])


def exit_status(checks: Mapping[str, bool | None]) -> int:
    """None: not told."""
    if False in checks.values():
        return FAILED
    return TOO_SHORT if None in checks.values() else 0


def soak(folder: Path, minutes: float, cameras: int, seed: int, learning: bool = True) -> dict[str, Any]:
    """Run for so long; what was found, and which checks it passes."""
    run = Soak(folder, cameras, seed, learning)
    try:
        run.start()
        end_s = time.monotonic() + 60 * minutes
        spare_s = end_s - 60 * minutes * (1 - KILLING_SHARE)
        with MemoryWatch(run.pids, run.memory) as memory, AlertFeed(run.site.base) as feed:
            while time.monotonic() < end_s:
                run.mischief.killing = time.monotonic() < spare_s
                run.cycle()
                print(f"{max(0.0, end_s - time.monotonic()):6.0f} s left, {dict(run.diary.faults)}", flush=True)
            run.site.wait_until_ok(*run.names, within_s=180)
            if run.banks is not None:
                run.banks.settle()
            return report(run, memory, feed)
    except BaseException:
        for name, process in run.site.roles.items():
            print(f"--- {name}\n{process.last_words()}", file=sys.stderr)
        raise
    finally:
        run.close()


def report(run: Soak, memory: MemoryWatch, feed: AlertFeed) -> dict[str, Any]:
    accounts = {name: wait_until(partial(account, run.site, name)) for name in run.names}
    alerts, lags_s = alerted(run.diary, feed), np.array(lags(run.site, run.names))
    grown = {kind: of_memory(memory, kind) for kind in KINDS}
    max_age_s = run.site.settings.max_age_s
    p50, p90, p99 = (round(float(np.percentile(lags_s, q)), 3) for q in (50, 90, 99))
    checks: dict[str, bool | None] = {
        "every frame is accounted for": all(account["balanced"] for account in accounts.values()),
        "as many scores are kept as counted": all(
            account["scored"] == account["kept_scores"] for account in accounts.values()
        ),
        "every anomaly is alerted once": alerts["missed"] == [] and alerts["repeated"] == [] and alerts["shown"] > 0,
        "nothing is alerted on an undisturbed camera": alerts["unfounded"] == [],
        "no process leaks memory": no_leak([one["verdict"] for one in grown.values()]),
        "frames are scored within max_age": p99 <= max_age_s + BATCH_S,
    }
    banks = run.banks.report() if run.banks is not None else None
    if banks is not None:
        checks["banks are made anew and swapped"] = banks["failed"] == [] and banks["swapped"] > 0
    lost = sum((Counter(account["dropped"]) for account in accounts.values()), Counter[str]())
    return {
        "checks": checks, "faults": dict(run.diary.faults), "alerts": alerts,
        "frames": {
            "captured": sum(account["captured"] for account in accounts.values()),
            "scored": sum(account["scored"] for account in accounts.values()), "dropped": dict(lost),
        },
        "lag_s": {"p50": p50, "p90": p90, "p99": p99, "worst": round(float(lags_s.max()), 3), "max_age": max_age_s},
        "memory": grown, "accounts": accounts, "banks": banks,
    }  # fmt: skip


def account(site: Installation, camera_id: str) -> dict[str, Any] | None:
    """A camera's frames, once they balance."""
    before = site.redis.client.xlen(site.keys(camera_id).scores)
    frames: dict[str, Any] = site.status(camera_id)["frames"]
    after = site.redis.client.xlen(site.keys(camera_id).scores)
    total = frames["scored"] + sum(frames["dropped"].values()) + frames["in_queue"]
    if frames["captured"] != total or not before <= frames["scored"] <= after:
        return None
    return frames | {"balanced": True, "kept_scores": frames["scored"]}


def alerted(diary: Diary, feed: AlertFeed) -> dict[str, Any]:
    """Which anomalies were alerted how often, and what was alerted besides."""
    first: dict[str, tuple[str, float]] = {}
    for message in feed.messages:
        alert = message["alert"]
        if alert["kind"] == "anomaly":
            first.setdefault(alert["id"], (alert["camera_id"], seconds(alert["started"])))
    for anomaly in diary.anomalies:
        anomaly.alerts = [
            alert_id for alert_id, (camera_id, at_s) in first.items()
            if camera_id == anomaly.camera_id and anomaly.began_s - 0.5 <= at_s <= anomaly.ended_s + 2.0
        ]  # fmt: skip
    known = {alert_id for anomaly in diary.anomalies for alert_id in anomaly.alerts}
    low = {message["alert"]["id"] for message in feed.messages if message["alert"].get("provisional")}
    others = {alert_id: at_s for alert_id, (_, at_s) in first.items() if alert_id not in known}
    provisional = sorted(
        others.keys() & low
    )  # at the low level of a bank of some seconds false ones are to be expected
    others = {alert_id: at_s for alert_id, at_s in others.items() if alert_id not in low}
    excused = [one for one, at_s in others.items() if any(a <= at_s <= b + 2.0 for a, b in diary.disturbed)]
    return {
        "shown": len(diary.anomalies), "through_a_fault": sum(bool(anomaly.struck) for anomaly in diary.anomalies),
        "skipped": diary.skipped,
        "missed": [asdict(anomaly) for anomaly in diary.anomalies if not anomaly.alerts],
        "repeated": [asdict(anomaly) for anomaly in diary.anomalies if len(anomaly.alerts) > 1],
        "provisional": provisional, "after_a_fault": excused, "unfounded": sorted(others.keys() - set(excused)),
    }  # fmt: skip


def lags(site: Installation, names: tuple[str, ...]) -> list[float]:
    """From capture to score, of every frame scored, in seconds."""
    latencies_s = []
    for name in names:
        for _, fields in site.redis.client.xrange(site.keys(name).scores):
            score = Score.decode(fields)
            latencies_s.append((score.scored_at_ns - score.captured_at_ns) / 1e9)
    return latencies_s


def of_memory(memory: MemoryWatch, kind: str) -> dict[str, Any]:
    """What a kind of process takes, and whether it leaks: by its memory in use, and by what is resident where that
    grows so fast that an allocator's settling cannot be the reason."""
    in_use, resident = memory.in_use(kind), memory.resident(kind)
    used, held = growth(in_use), growth(resident)
    verdict = used.verdict if used else Verdict.TOO_SHORT
    if held is not None and held.low_mib > LEAK_MIB:
        verdict = Verdict.GROWS
    return {
        "verdict": verdict.value, "peak_mib": round(memory.peak_mib(kind), 1),
        "in_use": asdict(used) if used else None, "resident": asdict(held) if held else None,
        "longest_life_by_minute_mib": {"in_use": by_minute(in_use), "resident": by_minute(resident)},
    }  # fmt: skip


def by_minute(lives: Sequence[Life]) -> list[float]:
    longest = max(lives, key=len, default=None)
    return [] if longest is None else [round(float(mib), 2) for mib in longest[:, 1]]


def no_leak(verdicts: Sequence[str]) -> bool | None:
    """None where no process is known to leak, and for some it is not known."""
    if Verdict.GROWS in verdicts:
        return False
    return None if Verdict.TOO_SHORT in verdicts else True


def summary(body: dict[str, Any]) -> str:
    """For people."""
    alerts, frames, lag = body["alerts"], body["frames"], body["lag_s"]
    lines = [
        f"{sum(body['faults'].values())} faults; "
        f"{alerts['shown']} anomalies shown, {alerts['through_a_fault']} of them through a fault",
        f"frames: {frames['captured']} captured, {frames['scored']} scored, dropped {frames['dropped']}",
        f"lag: p50 {lag['p50']} s, p90 {lag['p90']} s, p99 {lag['p99']} s (max_age {lag['max_age']} s)",
    ]
    if body["banks"] is not None:
        banks = body["banks"]
        lines.append(f"banks: {banks['asked']} asked for, {banks['by_itself']} unasked, {banks['swapped']} swapped")
    lines += [f"memory of {kind}: {memory_line(one)}" for kind, one in body["memory"].items()]
    words = {True: "ok     ", False: "FAILED ", None: "NOT TOLD"}
    lines += [f"{words[held]} {what}" for what, held in body["checks"].items()]
    if None in body["checks"].values():
        lines.append(f"This run of {body['minutes']:g} minutes is too short to tell: run longer, make soak MINUTES=30")
    return "\n".join(lines)


def memory_line(one: dict[str, Any]) -> str:
    used = one["in_use"]
    if used is None:
        return f"{one['verdict']}; no process lived for five minutes"
    slope = f"{used['per_minute_mib']} MiB a minute ({used['low_mib']} to {used['high_mib']})"
    warm_up = f"a warm-up of {used['warm_up_mib']} MiB, {used['processes']} processes"
    return f"{one['verdict']}; in use {slope} after {warm_up}"


if __name__ == "__main__":
    raise SystemExit(main())
