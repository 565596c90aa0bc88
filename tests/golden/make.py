"""Makes what lies in this folder: one value of every kind that is stored, and what the interfaces said of it.

``PYTHONPATH=.:tests/support python tests/golden/make.py`` runs a whole installation over a rendered scene (real
processes, a real Redis), stops it at moments that matter, and writes

- ``redis.json``: every kind of key with its values, taken while an alert was open and frames waited,
- ``banks/``: the banks of that camera with their index, and ``every/all.safetensors`` with every kind of stream,
- ``enroll.json``: what ``patchwatch enroll --json`` printed; ``evaluation.json``: a report of ``patchwatch evaluate``,
- ``rest.json``, ``websockets.json``, ``openapi.json``, ``commands.json``: what the service and the command line said,
- ``continued.json``: the scores of the frames that waited.

Made once, by the version whose formats are to be read from then on. A version that changes a format on purpose adds a
migration, and leaves these files alone. The bank of every kind needs the ``clip`` extra and a detector's weights in
``PATCHWATCH_DETECTOR_WEIGHTS``.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import av
import cv2
import httpx
import labelled_clips
import numpy as np
import redis
from golden_questions import changes, gets, points, record, shaped, sockets
from ingest_rig import free_port
from installation import API, Installation
from moving_scene import FPS, HEIGHT, WIDTH, scene
from redis_process import RedisProcess
from stored_installation import CAMERA, GOLDEN, PROFILE, Keys, stored, take, websocket
from waiting import wait_until

NORMAL_S, LIVE_S, RUSH_S = 60, 75, (64, 75)
FOLDER = Path("/tmp/patchwatch-golden")  # a fixed one: paths stand in the records
KEPT_SCORES, KEPT_ALERTS = 12, 6


def main() -> None:
    """All parts, or those that are named."""
    parts: dict[str, Callable[[], None]] = {
        "redis": stored_keys, "bank": tiny_bank, "evaluation": evaluation, "interfaces": interfaces,
        "commands": commands,
    }  # fmt: skip
    shutil.rmtree(FOLDER, ignore_errors=True)
    (FOLDER / "media").mkdir(parents=True)
    film(FOLDER / "media" / "normal.mp4", NORMAL_S)
    film(FOLDER / "media" / "short.mp4", 12)
    film(FOLDER / "media" / "live.mp4", LIVE_S, rush_s=RUSH_S)
    for name in sys.argv[1:] or parts:
        parts[name]()
        print(name, sum(path.stat().st_size for path in GOLDEN.rglob("*") if path.is_file()), "bytes", flush=True)
    shutil.rmtree(FOLDER)


def stored_keys() -> None:
    shutil.rmtree(GOLDEN / "banks", ignore_errors=True)
    write("redis.json", Recording().run())


def write(name: str, value: Any) -> None:
    """One line for each item of the outermost list or object: small, and still to be compared."""
    if isinstance(value, list):
        lines = "[\n" + ",\n".join(map(_line, value)) + "\n]\n"
    else:
        lines = "{\n" + ",\n".join(f"{_line(key)}:{_line(one)}" for key, one in sorted(value.items())) + "\n}\n"
    (GOLDEN / name).write_text(lines)


def _line(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def film(path: Path, seconds: int, *, rush_s: tuple[int, int] = (0, 0)) -> None:
    """The moving scene as H.264, softened: its grain would fill the files."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"preset": "veryfast", "g": str(FPS)})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number in range(seconds * FPS):
            rush = rush_s[0] <= number / FPS < rush_s[1]
            picture = np.asarray(cv2.GaussianBlur(scene(number / FPS, rush=rush), (0, 0), 1.5), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())


# What is in Redis -----------------------------------------------------------------------------------------------


class Receiver(BaseHTTPRequestHandler):
    """Takes what is sent to /hook, and breaks down at everything else."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(204 if self.path == "/hook" else 500)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


class Recording:
    """An installation that does everything once, and the keys that were seen on the way."""

    def __init__(self) -> None:
        self.site = Installation(
            FOLDER / "site", FOLDER / "media", proxied=False, data_dir=FOLDER / "data",
            profiles_file=GOLDEN / "profiles.toml", jpeg_quality=30, queue_frames=6, bank_thumbnails_mb=0.006,
            webhook_attempts=1, webhook_timeout_s=10.0, offline_after_s=600.0, max_age_s=600.0,
        )  # fmt: skip
        self.client: Any = redis.Redis(port=self.site.redis.port)
        self.receiver = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
        threading.Thread(target=self.receiver.serve_forever, daemon=True).start()
        self.found: Keys = {}

    def run(self) -> Keys:
        try:
            self.site.start()
            self.configure()
            self.play_until_an_alert_is_open()
            self.look()
            self.keep_banks()
            self.ask_for_banks()
            self.ask_for_deliveries()
            self.compete()
        finally:
            self.site.close()
            self.receiver.shutdown()
        return self.trimmed()

    def configure(self) -> None:
        """Webhooks; a camera whose first frames come before it has a bank."""
        site, base = self.site, f"http://127.0.0.1:{self.receiver.server_port}"
        site.post("/webhooks", {"id": "home", "url": f"{base}/hook", "cameras": [CAMERA]})
        site.post("/webhooks", {"id": "broken", "url": f"{base}/broken?key=1"})
        site.add_camera("door", "push:", publish_username="u", publish_password="p", enabled=False)
        source = f"file:{FOLDER}/media/short.mp4"
        site.add_camera(CAMERA, source, profile=PROFILE, pace="fast", name="Gate", false_alarms_per_day=2.0)
        self.until_scored()
        assert site.enrol(CAMERA, FOLDER / "media" / "normal.mp4")["state"] == "done"

    def until_scored(self) -> None:
        def over() -> bool:
            status = self.site.status(CAMERA)
            return (status["capture"] or {}).get("state") == "ended" and status["frames"]["in_queue"] == 0

        wait_until(over, every_s=0.2)

    def play_until_an_alert_is_open(self) -> None:
        """Leaves the inference worker stopped in the middle, with an open alert and frames that wait."""
        self.site.patch(f"/cameras/{CAMERA}", {"source": f"file:{FOLDER}/media/live.mp4"})
        inference = self.site.roles["inference"]
        (state,) = wait_until(lambda: self.client.keys(f"pw:*:state:{CAMERA}"))
        wait_until(lambda: json.loads(self.client.hget(state, "worker") or "{}").get("alert"), every_s=0.002)
        inference.freeze()
        wait_until(lambda: self.client.xlen("pw:webhook:broken:dead"))
        (frames,) = self.client.keys(f"pw:*:frames:{CAMERA}")
        last = int(self.client.xrevrange(frames, count=1)[0][0].split(b"-")[0])
        assert last > int(self.client.hget(state, "seq")), "no frame waits: run this again"

    def look(self) -> None:
        """Note every key of a kind that was not seen before."""
        kinds = {kind_of(key) for key in self.found}
        for key in sorted(self.client.keys("*")):
            if kind_of(key.decode()) in kinds or (record := take(self.client, key)) is None:
                continue
            self.found[key.decode()] = record

    def look_until(self, pattern: str, within_s: float = 60.0) -> None:
        def there() -> bool:
            self.look()
            return any(re.search(pattern, key) for key in self.found)

        try:
            wait_until(there, within_s=within_s, every_s=0.002)
        except AssertionError:
            print("not seen:", pattern, flush=True)

    def keep_banks(self) -> None:
        """Without the active one, which is a copy of a version."""
        kept = GOLDEN / "banks" / CAMERA / PROFILE
        kept.mkdir(parents=True)
        for path in (FOLDER / "data" / "banks" / CAMERA / PROFILE).glob("[!.]*"):
            pack(path, kept) if path.suffix == ".safetensors" else shutil.copy(path, kept)

    def ask_for_banks(self) -> None:
        """An order that waits, its answer that nobody fetched, and an enrolment that is asked for."""
        site, enrolment, service = self.site, self.site.roles["enrolment"], self.site.roles["service"]
        bank = site.get(f"/cameras/{CAMERA}/banks")["banks"][-1]["id"]
        enrolment.freeze()
        site.post(f"/cameras/{CAMERA}/enrolments", {"sources": [f"file:{FOLDER}/media/short.mp4"]})
        self.found.pop("pw:enrolments:records")  # once more, with this one
        self.aside(lambda: site.http.patch(f"{API}/cameras/{CAMERA}/banks/{bank}", json={"pinned": True}))
        self.look_until("pw:banks:orders$")
        self.found.pop("pw:enrolments:records", None)
        self.look()
        service.kill()
        enrolment.thaw()
        self.look_until("pw:banks:answer:")
        self.look_until("pw:enrolment:.*:lease$")
        service.start()
        wait_until(lambda: self.ready())

    def ask_for_deliveries(self) -> None:
        site, delivery, service = self.site, self.site.roles["delivery"], self.site.roles["service"]
        delivery.freeze()
        site.http.post(f"{API}/webhooks/broken/dead/retry", json={})
        self.aside(lambda: site.http.post(f"{API}/webhooks/home/test"))
        wait_until(lambda: self.client.xlen("pw:webhook:home:asked"))
        for name in ("broken", "home"):
            asked = f"pw:webhook:{name}:asked"
            self.found[asked] = take(self.client, asked.encode()) or {}
        service.kill()
        delivery.thaw()
        self.look_until("pw:webhook:.*:answer:")
        service.start()
        wait_until(lambda: self.ready())

    def compete(self) -> None:
        """A camera publishes to an ingest worker that does not own it, which asks the owner for it."""
        self.site.patch("/cameras/door", {"enabled": True})
        ports = self.site.settings.rtsp_port, free_port()
        self.site.add("ingest", "ingest 2", rtsp_port=ports[1])
        wait_until(lambda: len(self.client.keys("pw:worker:ingest:*")) == 2)
        wait_until(lambda: self.client.keys("*:capture-lease:door"))
        recording = ["ffmpeg", "-loglevel", "error", "-re", "-i", str(FOLDER / "media" / "live.mp4"), "-c", "copy"]
        for port in ports:
            url = f"rtsp://u:p@127.0.0.1:{port}/door"
            with subprocess.Popen([*recording, "-f", "rtsp", "-rtsp_transport", "tcp", url]) as camera:
                self.look_until(":capture-lease-request:", within_s=20)
                camera.terminate()
        self.look_until("pw:members:")

    def aside(self, request: Callable[[], object]) -> None:
        def ask() -> None:
            with suppress(httpx.HTTPError):
                request()

        threading.Thread(target=ask, daemon=True).start()

    def ready(self) -> bool:
        with suppress(httpx.HTTPError):
            return self.site.http.get("/healthz").is_success
        return False

    def trimmed(self) -> Keys:
        """Without the many entries that are alike."""
        for key, stored_key in self.found.items():
            if stored_key["type"] == "stream":
                count = KEPT_SCORES if ":scores:" in key else KEPT_ALERTS if key == "pw:alerts" else 1000
                stored_key["value"] = stored_key["value"][-count:]
        return self.found


def kind_of(key: str) -> str:
    """A key without the ids in it."""
    text = re.sub(r"\{\d+\}", "{N}", key)
    text = re.sub(r"^(pw:\{N\}:[a-z-]+):.*", r"\1:CAMERA", text)
    text = re.sub(r"^(pw:alert):[^:]+", r"\1:ALERT", text)
    text = re.sub(r"^(pw:webhook):[^:]+", r"\1:WEBHOOK", text)
    text = re.sub(r"^(pw:enrolment):[^:]+", r"\1:ENROLMENT", text)
    text = re.sub(r":answer:.*", ":answer:TOKEN", text)
    return re.sub(r"^(pw:worker:[a-z]+):.*", r"\1:WORKER", text)


# Banks and reports ----------------------------------------------------------------------------------------------


def tiny_bank() -> None:
    """Learnt by the command, with random weights for CLIP."""
    data = FOLDER / "every"
    data.mkdir()
    changes = {
        "PATCHWATCH_PROFILES_FILE": str(GOLDEN / "profiles.toml"), "PATCHWATCH_RANDOM_CLIP_WEIGHTS": "1",
        "PATCHWATCH_MAX_SIDE_PX": "96", "PATCHWATCH_DATA_DIR": str(data), "PATCHWATCH_BANK_THUMBNAILS_MB": "0.004",
    }  # fmt: skip
    recording = str(FOLDER / "media" / "short.mp4")
    said = patchwatch("enroll", "--camera", "every", "--profile", "all", "--json", recording, **changes)
    write("enroll.json", json.loads(said))
    (GOLDEN / "banks" / "every").mkdir(exist_ok=True)
    pack(data / "banks" / "every" / "all.safetensors", GOLDEN / "banks" / "every")


def pack(bank: Path, folder: Path) -> None:
    (folder / f"{bank.name}.gz").write_bytes(gzip.compress(bank.read_bytes(), mtime=0))


def evaluation() -> None:
    clips = labelled_clips.write_folders(FOLDER / "clips")
    patchwatch(
        "evaluate", "--train", str(clips / "training"), "--test", str(clips / "testing"),
        "--labels", str(clips / "labels.json"), "--profile", "motion", "--json", str(FOLDER / "evaluation.json"),
    )  # fmt: skip
    report = json.loads((FOLDER / "evaluation.json").read_text())
    found = report["profiles"][0]
    _leave_out_pictures(found["evidence"], found["worst_false_alarms"], found["worst_misses"][1:])
    write("evaluation.json", report)


def _leave_out_pictures(*trees: Any) -> None:
    """As a report may: they would fill the folder."""
    for tree in trees:
        if isinstance(tree, dict) and "picture_jpeg" in tree:
            tree["picture_jpeg"] = ""
        if isinstance(tree, (dict, list)):
            _leave_out_pictures(*(tree.values() if isinstance(tree, dict) else tree))


def patchwatch(*words: str, **changes: str) -> str:
    """Run the command; what it printed."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "patchwatch", *words], capture_output=True, text=True,
        env=os.environ | {"COLUMNS": "200", "NO_COLOR": "1"} | changes,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def interfaces() -> None:
    """What the service says of these very files, and how scoring goes on from them."""
    keys: Keys = json.loads((GOLDEN / "redis.json").read_text())
    server = RedisProcess(FOLDER)
    server.start()
    try:
        with tempfile.TemporaryDirectory() as folder, stored(server.url, Path(folder), keys) as site:
            host = site.serve()
            document = httpx.get(f"http://{host}/openapi.json").json()
            write("openapi.json", {path: sorted(methods) for path, methods in document["paths"].items()})
            reads = [record(host, "GET", path) for path in gets(host, document["paths"])]
            heard = [{"path": path, "messages": websocket(host, path, count)} for path, count in sockets(keys)]
            write("websockets.json", heard)
            writes = [record(host, *request) for request in changes(host)]
            write("rest.json", reads + [one | {"answer": shaped(one["answer"])} for one in writes])
        server.client.flushall()
        with tempfile.TemporaryDirectory() as folder, stored(server.url, Path(folder), keys) as site:
            host = site.serve()
            before = points(host)
            site.score_the_queue()
            write("continued.json", points(host)[len(before) :])
    finally:
        server.close()


def commands() -> None:
    """Every command, in words, with the options that its help names."""
    found: dict[str, list[str]] = {}
    waiting: list[tuple[str, ...]] = [()]
    while waiting:
        words = waiting.pop(0)
        text = patchwatch(*words, "--help")
        found[" ".join(words)] = sorted(set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text)))
        _, _, below = text.partition("Commands:\n")
        waiting += [(*words, name) for name in re.findall(r"^  ([a-z][a-z-]*)", below, re.MULTILINE)]
    write("commands.json", found)


if __name__ == "__main__":
    main()
