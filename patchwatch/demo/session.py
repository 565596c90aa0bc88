"""One demonstration: run the whole product on a live camera that arms itself, show it, summarise it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.banks.bank_file import save_bank
from patchwatch.contract.errors import PatchwatchError, RetryableError
from patchwatch.contract.settings import Settings, load_settings
from patchwatch.demo.feed import LiveFeed, PushedMessages
from patchwatch.demo.pictures import file_pictures
from patchwatch.demo.processes import ChildProcess, free_port
from patchwatch.demo.scene.script import ANOMALY_EVERY_S, FIRST_ANOMALY_S, Script, repeating
from patchwatch.demo.screen import CameraSnapshot, Screen
from patchwatch.demo.summary import Summary, match_alerts
from patchwatch.local_redis.scratch_folder import scratch_folder
from patchwatch.messages.banks.arming import ArmingState
from patchwatch.rest_client import RestClient
from workers.analysis.engine_loader import load_engine
from workers.analysis.recordings import RecordingReader, learn, recorded_clips

CAMERA = "demo"
PROFILE = "scene"
LEARN_S = 55.0  # Six stretches of memory; then learning takes some seconds, and the first anomaly is at second 100.
ANALYSIS_FPS = 10  # At 5 fps a runner moves two body widths between frames: too far for optical flow.
_START_WITHIN_S = 60.0
_PORT_ATTEMPTS = 3
_LATEST_ARMED = 3.0  # As many times the demo's length is waited for a camera that is not armed yet.
_SETTLE_S = 5.0  # Longest wait for frames that are still in the queue when the time is up.

_SCORED = (ArmingState.PROVISIONAL, ArmingState.ARMED)

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class DemoOptions:
    """The options of `patchwatch demo`. Anomalies are scripted in the rendered scene only."""

    duration_s: float | None = None  # Length of the live video; None: until stopped.
    source: Path | str | None = None  # None: the rendered scene. A str is an RTSP address.
    normal: Path | None = None
    seed: int = 1
    learn_s: float = (
        LEARN_S  # Of live video, before the camera is armed; with a recording of normal it is not waited for.
    )
    first_anomaly_s: float = FIRST_ANOMALY_S
    anomaly_every_s: float = ANOMALY_EVERY_S


@contextmanager
def demo_settings(learn_s: float = LEARN_S) -> Iterator[Settings]:
    """Settings that keep apart from the user's installation: own data and queue, loopback only, the usual ports. What
    publishes becomes a camera, which learns its first bank from ``learn_s`` of its own video."""
    installed = load_settings()
    with scratch_folder("demo") as folder:
        yield load_settings(
            data_dir=folder, media_dirs=(), redis_url=None, api_token=None, profiles_file=None,
            host="127.0.0.1", port=installed.port, rtsp_host="127.0.0.1", rtsp_port=installed.rtsp_port,
            publish_username=None, publish_password=None, log_level="info", adopt_publishers="loopback",
            default_profile=PROFILE, analysis_fps=ANALYSIS_FPS, self_arm=True, self_arm_after_s=learn_s,
        )  # fmt: skip


def check_source(source: Path | str | None) -> None:
    """Raises `SourceRejectedError` when a file of the user's own holds no picture."""
    if isinstance(source, Path):
        next(file_pictures(source)).draw()


def learn_normal(settings: Settings, normal: Path, progress: Progress) -> float:
    """Learn the camera's bank from a recording, as ``patchwatch banks enrol`` does. Returns its threshold."""
    clips = recorded_clips([normal], RecordingReader.from_settings(settings, ANALYSIS_FPS))
    bank = learn(load_engine(settings, PROFILE), clips, count=1, progress=progress)
    save_bank(bank, settings.bank_path(CAMERA, PROFILE))
    return bank.rule.on


class DemoSession:
    """The product, a camera that publishes to it, and a client that watches. A context manager that stops all three."""

    def __init__(self, options: DemoOptions, settings: Settings) -> None:
        self.settings = settings  # After `start` with the ports that are in use.
        self._options = options
        self._pushed = PushedMessages()
        self._stack = ExitStack()
        self._product: ChildProcess | None = None
        self._publisher: ChildProcess | None = None
        self._started_at_ms = 0
        self._armed_at_s: float | None = None  # second of the live video
        self._script: Script = ()  # Known once the camera is armed.

    @property
    def base(self) -> str:
        return f"http://{self.settings.host}:{self.settings.port}"

    @property
    def sockets(self) -> str:
        return f"ws://{self.settings.host}:{self.settings.port}/api/v1"

    @property
    def rtsp(self) -> str:
        return f"rtsp://{self.settings.rtsp_host}:{self.settings.rtsp_port}/{CAMERA}"

    @property
    def _api(self) -> RestClient:
        return RestClient(self.base)

    def __enter__(self) -> DemoSession:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def start(self) -> None:
        """Start the service, subscribe to the camera, publish it: that adds it. Raises `RetryableError` when a part
        fails."""
        folder = self.settings.data_dir
        for attempt in range(_PORT_ATTEMPTS):
            if self._serve(folder, last=attempt == _PORT_ATTEMPTS - 1):
                break
        source = self._options.source
        if isinstance(source, str):
            self._api.post("/cameras", {"id": CAMERA, "source": source})
        feed = LiveFeed(self.sockets, CAMERA, self._pushed)
        self._stack.callback(feed.close)
        if isinstance(source, str):
            self._started_at_ms = time.time_ns() // 1_000_000
        else:
            self._started_at_ms = self._publish(folder)

    def _serve(self, folder: Path, *, last: bool) -> bool:
        """Start the service on free ports. False when another program took one of them first, unless ``last``."""
        wanted = self.settings
        ports = {"port": free_port(wanted.port), "rtsp_port": free_port(wanted.rtsp_port)}
        self.settings = wanted.changed(**ports)
        product = ChildProcess(
            ["-P", "-m", "patchwatch", "serve"],
            output=folder / "serve.log", environment=self.settings.environment(), stop_s=20.0,
        )  # fmt: skip
        self._stack.enter_context(product)
        try:
            wait_until_ready(self._api, lambda: product.exit_code is None, _belongs_to(product))
        except RetryableError as error:
            if not last and product.exit_code is not None and "is taken by another program" in product.output():
                return False
            raise RetryableError(f"{error}; the end of its log:\n{_tail(product.output())}") from None
        self._product = product
        return True

    def _publish(self, folder: Path) -> int:
        """Start the publisher; returns the wall-clock time of second 0 of its pictures."""
        options = self._options
        arguments = ["-P", "-m", "patchwatch.demo.publisher", self.rtsp, "--stop-with-parent"]
        if options.source is not None:
            arguments += ["--file", str(options.source)]
        else:
            arguments += ["--seed", str(options.seed), "--first-anomaly", str(options.first_anomaly_s)]
            arguments += ["--every", str(options.anomaly_every_s), "--await-signal", "--fps", str(ANALYSIS_FPS)]
        self._publisher = self._stack.enter_context(
            ChildProcess(
                arguments, output=folder / "publisher.log", environment=self.settings.environment(), stop_s=5.0
            )
        )
        deadline = time.monotonic() + _START_WITHIN_S
        while time.monotonic() < deadline:
            self._check_children()
            started_at_ns = self._published("started_at_ns")
            if started_at_ns is not None:
                return started_at_ns // 1_000_000
            time.sleep(0.05)
        raise RetryableError(
            f"no video reached {self.rtsp} within {_START_WITHIN_S:.0f} s: see whether the machine is overloaded"
        )

    def _published(self, name: str) -> int | None:
        """The value that the publisher printed under this name, if it has."""
        lines = [] if self._publisher is None else self._publisher.output().splitlines()
        return next((int(json.loads(line)[name]) for line in lines if line.startswith(f'{{"{name}"')), None)

    def _check_children(self) -> None:
        for name, child in (("patchwatch serve", self._product), ("the publisher", self._publisher)):
            if child is not None and child.exit_code is not None:
                raise RetryableError(f"{name} ended ({child.exit_code}); the end of its log:\n{_tail(child.output())}")

    @property
    def live_s(self) -> float:
        """Seconds of live video so far."""
        return time.time() - self._started_at_ms / 1000

    def watch(self, screen: Screen) -> None:
        """Show the camera until the time is up. Raises `RetryableError` when a part of the product dies."""
        next_status_at = 0.0
        status: dict[str, Any] = {}
        while not self._is_over():
            self._check_children()
            if time.monotonic() >= next_status_at:
                next_status_at = time.monotonic() + 1.0
                status = self._status() or status
                self._follow_arming(status)
            screen.show(self._snapshot(status), self._pushed.take_fresh())
            time.sleep(0.2)

    def _follow_arming(self, status: dict[str, Any]) -> None:
        """Something may happen in the rendered scene as soon as the camera is armed; none in the user's own footage."""
        if self._armed_at_s is None and _arming_state(status) in _SCORED:
            self._armed_at_s = self.live_s
            if self._publisher is not None and self._options.source is None:
                self._publisher.notify()
        first_ms = self._published("first_anomaly_ms") if self._armed_at_s is not None and not self._script else None
        if first_ms is not None:
            self._script = repeating(first_ms / 1000, self._options.anomaly_every_s)

    def _is_over(self) -> bool:
        """A camera that is armed late, on a busy machine, is shown as many anomalies as one that is in time."""
        options, limit_s = self._options, self._options.duration_s
        if limit_s is None or self.live_s < limit_s:
            return False
        if options.source is not None or limit_s <= options.first_anomaly_s:
            return True
        if not self._script:
            return self.live_s >= limit_s * _LATEST_ARMED
        return self.live_s >= limit_s + self._script[0].starts_at_s - options.first_anomaly_s

    def _settle(self) -> dict[str, Any]:
        """Stop publishing and wait until the queued frames are scored. Returns the camera's last status."""
        if self._publisher is not None:
            self._publisher.stop()
        deadline = time.monotonic() + _SETTLE_S
        while True:
            time.sleep(0.5)
            status = self._status()
            if time.monotonic() > deadline or (status.get("frames") or {}).get("in_queue") == 0:
                return status

    def _status(self) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = self._api.get(f"/cameras/{CAMERA}/status")
        except PatchwatchError:
            return {}  # The next request follows within a second.
        return answer

    def _snapshot(self, status: dict[str, Any]) -> CameraSnapshot:
        capture, analysis = status.get("capture") or {}, status.get("analysis") or {}
        frames = status.get("frames") or {}
        score = self._pushed.score
        anomaly = next(
            (anomaly for anomaly in self._script if anomaly.starts_at_s <= self.live_s < anomaly.ends_at_s),
            None,
        )
        return CameraSnapshot(
            second=self.live_s,
            state=str(capture.get("state", "connecting")),
            detail=str(status.get("reason") or capture.get("detail") or ""),
            fps=capture.get("fps"),
            captured=int(frames.get("captured", 0)),
            scored=int(frames.get("scored", 0)),
            dropped=sum((frames.get("dropped") or {}).values()),
            score=None if score is None else float(score["score"]),
            threshold=analysis.get("threshold_on"),
            arming=_arming_state(status),
            happening="" if anomaly is None else anomaly.kind.value,
        )

    def log_tail(self) -> str:
        """The last lines of the service's log."""
        return "" if self._product is None else _tail(self._product.output())

    def summary(self) -> Summary:
        """The result, as the REST API reports it."""
        live_s = self.live_s
        status = self._settle()
        frames = status.get("frames") or {}
        alerts = list(reversed(self._api.get(f"/alerts?camera={CAMERA}&limit=500")["alerts"]))
        anomalies, unexplained = match_alerts(self._script, self._started_at_ms, live_s, alerts)
        with self._pushed.lock:
            pushed, scores = list(self._pushed.alerts), self._pushed.scores
        return Summary(
            live_s=round(live_s, 1),
            captured=int(frames.get("captured", 0)),
            scored=int(frames.get("scored", 0)),
            dropped=dict(frames.get("dropped") or {}),
            scores_pushed=scores,
            threshold=(status.get("analysis") or {}).get("threshold_on"),
            armed_after_s=None if self._armed_at_s is None else round(self._armed_at_s, 1),
            alerts=alerts,
            alerts_pushed=pushed,
            anomalies=anomalies,
            unexplained=unexplained,
            left_out=self._published("left_out") or 0,
        )


def _arming_state(status: dict[str, Any]) -> str:
    return str((status.get("arming") or {}).get("state") or "")


def wait_until_ready(
    client: RestClient, alive: Callable[[], bool], ours: Callable[[dict[str, Any]], bool], limit_s: float = 60.0
) -> None:
    """Wait for a ``/readyz`` that is ``ours``: another service may have taken the port.

    Raises `RetryableError` when it takes too long, or at once when ``alive`` says no.
    """
    deadline = time.monotonic() + limit_s
    while True:
        try:
            if ours(client.readiness()):
                return
            reason = "another service answers at its address"
        except PatchwatchError as error:
            reason = str(error)
        if not alive():
            raise RetryableError("the service ended while starting")
        if time.monotonic() > deadline:
            raise RetryableError(f"the service is not ready after {limit_s:.0f} s: {reason}")
        time.sleep(0.1)


def _belongs_to(product: ChildProcess) -> Callable[[dict[str, Any]], bool]:
    """Whether an answer of ``/readyz`` comes from this service: its log names the processes that it started."""

    def belongs(ready: dict[str, Any]) -> bool:
        started = set(re.findall(r"\(pid (\d+)\)", product.output()))
        return any(str(worker["pid"]) in started for worker in ready["workers"])

    return belongs


def _tail(text: str, lines: int = 12) -> str:
    return "\n".join(text.splitlines()[-lines:])
