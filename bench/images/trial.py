"""An installation out of the images: Redis and the five roles, each as docker-compose.yml has it, and one camera."""

from __future__ import annotations

import dataclasses
import json
import os
import secrets
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from bench.images.building import user_of
from bench.images.compose_file import ROLES, example_variables, services
from bench.images.container import Container, Image, Pod

_Seen = TypeVar("_Seen")
_USER = 10001
_PATIENCE_S = 600.0  # of each step: the machine may be busy
_IMAGE_OF = {"ingest": "ingest", "service": "service", "delivery": "service"}  # the others: inference


def write_secrets(folder: Path) -> None:
    """As deploy/README.md tells people to."""
    folder.mkdir()
    password = secrets.token_hex(32)
    texts = {
        "redis_password": password,
        "redis_url": f"redis://:{password}@redis:6379/0",
        "api_token": secrets.token_hex(32),
        "publish_password": secrets.token_hex(16),
    }
    for name, text in texts.items():
        (folder / name).write_text(f"{text}\n")


def run_trial(images: Mapping[str, Image], footage: Path, test: Path, folder: Path) -> dict[str, Any]:
    """Start everything, teach the camera from a recording, publish to it until an alert opens; what was seen."""
    variables = example_variables() | {"RECORDINGS": "media"}
    asked = services(variables)
    write_secrets(folder / "secrets")
    volumes = _volumes(folder, footage)
    with ExitStack() as stack:
        pod = stack.enter_context(Pod(f"pw-images-{os.getpid()}", folder))
        redis = dataclasses.replace(images["redis"], user=user_of(images["redis"].root, "redis"))
        os.chown(volumes["redis"], *redis.user)
        running = {"redis": _start(stack, Container("redis", redis, asked["redis"], volumes, folder / "secrets", pod))}
        _until("redis is healthy", running["redis"].is_healthy, running)
        for role in ROLES:
            image = images[_IMAGE_OF.get(role, "inference")]
            container = Container(role, image, asked[role], volumes, folder / "secrets", pod)
            running[role] = _start(stack, container)
        began = time.monotonic()
        for role in ROLES:
            _until(f"{role} is healthy", running[role].is_healthy, running)
        seen: dict[str, Any] = {"healthy_after_s": round(time.monotonic() - began, 1)}
        seen |= _confinement(running)
        return seen | _alert(running, pod, test, folder / "secrets", variables["PATCHWATCH_PUBLISH_USERNAME"])


def _volumes(folder: Path, footage: Path) -> dict[str, Path]:
    """The named volumes. Docker gives a new one to the owner of what the image has in its place."""
    volumes = {name: folder / f"volume-{name}" for name in ("redis", "banks", "weights", "media")}
    for place in volumes.values():
        place.mkdir()
        os.chown(place, _USER, _USER)
    (volumes["media"] / "normal.mp4").write_bytes(footage.read_bytes())
    return volumes


def _start(stack: ExitStack, container: Container) -> Container:
    return stack.enter_context(container)


def _confinement(running: Mapping[str, Container]) -> dict[str, Any]:
    """What a process in each container may do: it is asked, not read from the file that ordered it."""
    script = (
        "grep -E '^(CapEff|CapBnd|NoNewPrivs)' /proc/1/status | tr -s '\\t\\n' ' '; id -u; "
        "if touch /etc/x 2>/dev/null; then echo writable; else echo read-only; fi; touch /tmp/x && echo tmp"
    )
    wanted_end = ["read-only", "tmp"]
    users = {}
    for name, container in running.items():
        words = container.execute("sh", "-c", script).stdout.split()
        expected = ["CapEff:", "0" * 16, "CapBnd:", "0" * 16, "NoNewPrivs:", "1"]
        if words[: len(expected)] != expected or words[-2:] != wanted_end or words[-3] == "0":
            raise RuntimeError(f"{name} may do more than the Compose file says: {words}")
        users[name] = int(words[-3])
    return {"users": users, "capabilities": 0, "root": "read-only"}


def _alert(running: Mapping[str, Container], pod: Pod, test: Path, secrets: Path, username: str) -> dict[str, Any]:
    service = running["service"]
    _order(service, "patchwatch", "cameras", "add", "door", "--profile", "motion")
    _order(service, "patchwatch", "users", "list")
    enrol = [
        "patchwatch",
        "banks",
        "enrol",
        "--camera",
        "door",
        "--profile",
        "motion",
        "--activate",
        "/media/normal.mp4",
    ]
    began = time.monotonic()
    _order(running["enrolment"], *enrol)
    learnt_s = time.monotonic() - began
    password = (secrets / "publish_password").read_text().strip()
    with _published(pod, test, f"rtsp://{username}:{password}@127.0.0.1:8554/door"):
        began = time.monotonic()
        opened = _until("an alert opens", lambda: _anomalies(service), running)
        waited_s = time.monotonic() - began
    doctor = running["enrolment"].execute("patchwatch", "doctor")
    elsewhere = service.execute("patchwatch", "banks", "enrol", "--camera", "door", "/media/normal.mp4")
    if (
        not doctor.stdout
        or elsewhere.returncode == 0
        or "Traceback" in doctor.stdout + doctor.stderr + elsewhere.stderr
    ):
        raise RuntimeError(f"doctor: {doctor.stderr}; a command that is elsewhere: {elsewhere.stderr}")
    return {
        "learnt_in_s": round(learnt_s, 1),
        "alert_after_s": round(waited_s, 1),
        "alert": {name: opened[0][name] for name in ("kind", "camera_id", "score") if name in opened[0]},
        "doctor": doctor.stdout.splitlines(),
        "command_of_another_image": elsewhere.stderr.strip(),
    }


def _anomalies(service: Container) -> list[dict[str, Any]]:
    answer = service.execute("patchwatch", "alerts", "list", "--json")
    if answer.returncode:
        return []
    listed = json.loads(answer.stdout)
    alerts: list[dict[str, Any]] = listed["alerts"] if isinstance(listed, dict) else listed
    return [alert for alert in alerts if alert["kind"] == "anomaly"]


@contextmanager
def _published(pod: Pod, clip: Path, url: str) -> Iterator[None]:
    words = ["ffmpeg", "-hide_banner", "-loglevel", "error", "-re", "-stream_loop", "-1", "-i"]
    command = [*pod.inside, *words, str(clip), "-c", "copy", "-f", "rtsp", "-rtsp_transport", "tcp", url]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as publisher:
        try:
            yield
        finally:
            publisher.terminate()


def _order(container: Container, *command: str) -> None:
    done = container.execute(*command, timeout_s=_PATIENCE_S)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} in {container.name}: {done.stderr or done.stdout}")


def _until(what: str, condition: Callable[[], _Seen], running: Mapping[str, Container]) -> _Seen:
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        ended = {name: one.log.read_text()[-2000:] for name, one in running.items() if one.exit_status is not None}
        if ended:
            raise RuntimeError(f"before {what}, containers ended: {ended}")
        time.sleep(2)
    raise RuntimeError(f"not within {_PATIENCE_S:.0f} s: {what}")
