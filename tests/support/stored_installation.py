"""An installation's Redis and banks as they were kept in ``tests/golden``, put back, and today's processes over them.

Nothing of the product is imported here: its processes are started by the command, and asked over REST and WebSockets.
"""

from __future__ import annotations

import base64
import gzip
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import redis
from waiting import wait_until
from websockets.sync.client import connect

GOLDEN = Path(__file__).parents[1] / "golden"
CAMERA, PROFILE = "gate", "tiny"
_BASE64 = "base64:"
_YEARS_H = 24 * 365 * 100
Keys = dict[str, Any]  # key -> {"type": ..., "value": ...}


def read_json(name: str) -> Any:
    return json.loads((GOLDEN / name).read_text())


# Keys of Redis as JSON ------------------------------------------------------------------------------------------


def as_text(data: bytes) -> str:
    """Text as it is, everything else in base64."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = ""
    if text.isprintable() and text.encode() == data:
        return text
    return _BASE64 + base64.b64encode(data).decode()


def as_bytes(text: str) -> bytes:
    return base64.b64decode(text.removeprefix(_BASE64)) if text.startswith(_BASE64) else text.encode()


def take(client: Any, key: bytes) -> dict[str, Any] | None:
    """One key with its value; None where it is gone meanwhile."""
    kind = client.type(key).decode()
    if kind == "none":
        return None
    read: dict[str, Callable[[], object]] = {
        "string": lambda: as_text(client.get(key) or b""),
        "hash": lambda: {as_text(name): as_text(one) for name, one in sorted(client.hgetall(key).items())},
        "list": lambda: [as_text(one) for one in client.lrange(key, 0, -1)],
        "set": lambda: sorted(as_text(one) for one in client.smembers(key)),
        "zset": lambda: [[as_text(one), score] for one, score in client.zrange(key, 0, -1, withscores=True)],
        "stream": lambda: [[entry.decode(), _texts(fields)] for entry, fields in client.xrange(key)],
    }
    return {"type": kind, "value": read[kind]()}


def put(client: Any, keys: Keys) -> None:
    """Write all of them; none expires."""
    for key, record in keys.items():
        value = record["value"]
        match record["type"]:
            case "string":
                client.set(key, as_bytes(value))
            case "hash":
                client.hset(key, mapping={as_bytes(name): as_bytes(one) for name, one in value.items()})
            case "list":
                client.rpush(key, *map(as_bytes, value))
            case "set":
                client.sadd(key, *map(as_bytes, value))
            case "zset":
                client.zadd(key, {as_bytes(one): score for one, score in value})
            case "stream":
                for entry_id, fields in value:
                    client.xadd(key, fields_of(fields), id=entry_id)


def fields_of(fields: dict[str, str]) -> dict[bytes, bytes]:
    return {as_bytes(name): as_bytes(value) for name, value in fields.items()}


def _texts(fields: dict[bytes, bytes]) -> dict[str, str]:
    return {as_text(name): as_text(value) for name, value in fields.items()}


def unpack_banks(folder: Path) -> Path:
    """The banks' folder as it was: the files here are compressed, and the active bank left out, which is a copy of a
    version."""
    shutil.copytree(GOLDEN / "banks", folder)
    for packed in folder.rglob("*.gz"):
        packed.with_suffix("").write_bytes(gzip.decompress(packed.read_bytes()))
        packed.unlink()
    (active,) = (folder / CAMERA / PROFILE).glob("*.safetensors")
    shutil.copy(active, folder / CAMERA / f"{PROFILE}.safetensors")
    return folder


# Processes over it ----------------------------------------------------------------------------------------------


class StoredInstallation:
    """What was kept, in a fresh Redis and a data folder of its own. A context manager's; see `stored`."""

    def __init__(self, url: str, folder: Path, keys: Keys) -> None:
        self.client: Any = redis.Redis.from_url(url)
        self.folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []
        unpack_banks(folder / "data" / "banks")
        (folder / "media").mkdir()
        put(self.client, keys)
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("PATCHWATCH_")}
        self.environment = inherited | {
            "PATCHWATCH_REDIS_URL": url, "PATCHWATCH_DATA_DIR": str(folder / "data"),
            "PATCHWATCH_MEDIA_DIRS": str(folder / "media"), "PATCHWATCH_DEFAULT_PROFILE": "motion",
            "PATCHWATCH_PROFILES_FILE": str(GOLDEN / "profiles.toml"), "PATCHWATCH_PARTITIONS": "4",
            "PATCHWATCH_SCORE_RETENTION_HOURS": str(_YEARS_H), "PATCHWATCH_MINUTE_RETENTION_DAYS": str(_YEARS_H / 24),
            "PATCHWATCH_ALERT_RETENTION_DAYS": str(_YEARS_H / 24), "PATCHWATCH_WEBHOOK_TIMEOUT_S": "0.5",
            "PATCHWATCH_WEBSOCKET_HEARTBEAT_S": "1", "PATCHWATCH_WEBHOOK_REACH": "loopback",
        }  # fmt: skip

    def run(self, role: str) -> Path:
        """Start one role; returns its log."""
        log = self.folder / f"{role}.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "patchwatch", "run", role],
                env=self.environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out, process_group=0,
            )  # fmt: skip
        self._processes.append(process)
        return log

    def serve(self) -> str:
        """Start the service; returns HOST:PORT once it answers."""
        self.environment["PATCHWATCH_PORT"] = str(_free_port())
        host = f"127.0.0.1:{self.environment['PATCHWATCH_PORT']}"
        log = self.run("service")
        try:
            wait_until(lambda: _answers(host))
        except AssertionError:
            raise AssertionError(log.read_text()) from None
        return host

    def score_the_queue(self) -> None:
        """Let the inference worker score every frame that waits. Leases of before are as if they had expired."""
        (frames,) = self.client.keys("pw:{*}:frames:" + CAMERA)
        (state,) = self.client.keys("pw:{*}:state:" + CAMERA)
        for key in self.client.keys("*lease*"):
            self.client.delete(key)
        last = int(self.client.xrevrange(frames, count=1)[0][0].split(b"-")[0])
        log = self.run("inference")
        try:
            wait_until(lambda: int(self.client.hget(state, "seq") or 0) >= last, within_s=120)
        except AssertionError:
            raise AssertionError(log.read_text()) from None

    def close(self) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.client.close()


@contextmanager
def stored(url: str, folder: Path, keys: Keys) -> Iterator[StoredInstallation]:
    made = StoredInstallation(url, folder, keys)
    try:
        yield made
    finally:
        made.close()


def _free_port() -> int:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        return int(holder.getsockname()[1])


def _answers(host: str) -> bool:
    try:
        return httpx.get(f"http://{host}/healthz", timeout=2).is_success
    except httpx.HTTPError:
        return False


# What a client gets ---------------------------------------------------------------------------------------------


def answer(host: str, method: str, path: str, body: object = None) -> dict[str, Any]:
    """Status, media type and body: JSON as it is, of pictures the first bytes, of text the first words of its lines."""
    got = httpx.request(method, f"http://{host}{path}", json=body, timeout=30)
    kind = got.headers.get("content-type", "").split(";")[0]
    shown: Any = None
    if kind.endswith("json"):
        shown = got.json() if got.content else None
        if path == "/readyz" and "workers" in got.json():
            shown["workers"].sort(key=lambda worker: worker["pid"])  # in no order of their own
    elif kind == "image/jpeg":
        shown = as_text(got.content[:3])
    elif path == "/metrics":
        shown = sorted({line.split(" ")[0] for line in got.text.splitlines() if line and not line.startswith("#")})
    return {"status": got.status_code, "type": kind, "body": shown}


def websocket(host: str, path: str, count: int) -> list[dict[str, Any]]:
    """The first messages."""
    with connect(f"ws://{host}{path}", proxy=None, open_timeout=20) as stream:
        return [json.loads(stream.recv(timeout=30)) for _ in range(count)]


def shape(value: Any) -> Any:
    """Keys and types, without the values: of a list the shapes of its items, each once."""
    if isinstance(value, dict):
        return {name: shape(one) for name, one in sorted(value.items())}
    if isinstance(value, list):
        shapes: list[Any] = []
        for one in map(shape, value):
            if one not in shapes:
                shapes.append(one)
        return shapes
    return "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else type(value).__name__
