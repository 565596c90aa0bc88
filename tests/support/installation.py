"""A whole installation on this machine: a real Redis behind a proxy, and one process per role, as in production."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
from ingest_rig import free_port
from redis_process import RedisProcess
from role_process import RoleProcess
from tcp_proxy import TcpProxy
from waiting import PATIENCE_S, wait_until

from patchwatch.bus.keys import CameraKeys
from patchwatch.contract.roles import Role
from patchwatch.contract.settings import Settings

ROLES = tuple(role.value for role in Role)
API = "/api/v1"


class Installation:
    """Short pauses and deadlines, so that faults pass quickly; everything else as it comes.

    ``roles`` maps the name of a process to it; a second worker of a role is added by `add`. ``proxied``: roles reach
    Redis through `proxy`, which faults need and measurements do not want. ``environment``: what every role gets beside
    its settings.
    """

    def __init__(
        self,
        folder: Path,
        media: Path,
        *,
        proxied: bool = True,
        environment: Mapping[str, str] | None = None,
        **settings: object,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._environment = environment or {}
        self.redis = RedisProcess(folder)
        self.redis.start()
        self.proxy = TcpProxy(self.redis.port)
        given: dict[str, object] = {
            "redis_url": f"redis://127.0.0.1:{self.proxy.port if proxied else self.redis.port}/0",
            "data_dir": folder / "data", "media_dirs": (media,),
            "port": free_port(), "rtsp_port": free_port(), "partitions": 4, "queue_frames": 16,
            "reconnect_min_s": 0.5, "reconnect_max_s": 2.0, "source_timeout_s": 2.0, "max_age_s": 2.0,
            "default_profile": "motion",  # the cheapest
            "self_arm": False, "adopt_publishers": "off",  # cameras know what tests teach them
            "offline_after_s": 6.0, "websocket_heartbeat_s": 2.0, "webhook_reach": "loopback",
            "webhook_timeout_s": 1.0, "webhook_retry_min_s": 0.2, "webhook_retry_max_s": 0.5,
            "overload_fps": settings.get("analysis_fps", 5.0),  # hold the rate, or a busy machine decides what is seen
        }  # fmt: skip
        self.settings = Settings.model_validate(given | settings)
        self.base = f"http://127.0.0.1:{self.settings.port}"
        self.http = httpx.Client(base_url=self.base, timeout=5.0)
        self.roles = {role: self._process(role, role) for role in ROLES}

    def start(self) -> None:
        for process in self.roles.values():
            process.start()
        wait_until(self._ready)

    def close(self) -> None:
        self.http.close()
        for process in self.roles.values():
            process.stop()
        self.proxy.close()
        self.redis.close()

    def add(
        self,
        role: str,
        name: str,
        *,
        through: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        **settings: object,
    ) -> RoleProcess:
        """Another process of a role, started; or in the place of one that has ended. ``through``: see `RoleProcess`."""
        self.roles[name] = self._process(role, name, through, environment or {}, **settings)
        self.roles[name].start()
        return self.roles[name]

    def remove(self, name: str) -> None:
        """Stop a process that was added."""
        self.roles.pop(name).stop()

    def keys(self, camera_id: str) -> CameraKeys:
        return CameraKeys.for_camera(camera_id, self.settings.partitions)

    # What a user does and sees ---------------------------------------------------------------------------------

    def get(self, path: str, **query: Any) -> Any:
        """Asks again, as a client should, where there is no answer or a 503; raises `httpx.HTTPError` when it lasts."""
        deadline_s = time.monotonic() + PATIENCE_S
        while True:
            try:
                return self.http.get(API + path, params=query).raise_for_status().json()
            except httpx.HTTPError as error:
                refused = isinstance(error, httpx.HTTPStatusError) and error.response.status_code != 503
                if refused or time.monotonic() > deadline_s:
                    raise
                time.sleep(0.2)

    def post(self, path: str, body: Mapping[str, object]) -> Any:
        """Asks again after a 503: nothing was done."""
        deadline_s = time.monotonic() + PATIENCE_S
        while (answer := self.http.post(API + path, json=body)).status_code == 503 and time.monotonic() < deadline_s:
            time.sleep(0.2)
        return answer.raise_for_status().json()

    def patch(self, path: str, body: Mapping[str, object]) -> Any:
        return self.http.patch(API + path, json=body).raise_for_status().json()

    def delete(self, path: str) -> None:
        self.http.delete(API + path).raise_for_status()

    def status(self, camera_id: str) -> Any:
        return self.get(f"/cameras/{camera_id}/status")

    def add_camera(self, camera_id: str, source: str, **fields: object) -> None:
        self.post("/cameras", {"id": camera_id, "source": source, **fields})

    def enrol(self, camera_id: str, recording: Path, within_s: float = 120.0) -> Any:
        """Learn a bank from a recording; returns the finished record."""
        job = self.post(f"/cameras/{camera_id}/enrolments", {"sources": [f"file:{recording}"]})
        return self.enrolled(job["id"], within_s)

    def enrolled(self, job_id: str, within_s: float = 120.0) -> Any:
        """The record of an enrolment, once it is over."""

        def over() -> Any:
            record = self.get(f"/enrolments/{job_id}")
            return record if record["state"] in ("done", "failed") else None

        return wait_until(over, within_s=within_s)

    def scores(self, camera_id: str, **query: Any) -> list[Any]:
        """Every score that is kept, oldest first."""
        points: list[Any] = []
        answer = self.get(f"/cameras/{camera_id}/scores", limit=10_000, **{"from": "2020-01-01T00:00:00Z"}, **query)
        points += answer["points"]
        while answer["next"]:
            answer = self.http.get(answer["next"]).raise_for_status().json()
            points += answer["points"]
        return points

    def alerts(self, **query: Any) -> list[Any]:
        result: list[Any] = self.get("/alerts", limit=1000, **query)["alerts"]
        return result

    def workers(self, role: str) -> list[Any]:
        """The living workers of a role, as ``/readyz`` tells."""
        answer = self.http.get("/readyz")
        return [one for one in answer.json().get("workers", ()) if one["role"] == role]

    def wait_until_ok(self, *camera_ids: str, within_s: float = 90.0) -> None:
        """Until every one of these cameras is scored."""

        def fine() -> bool:
            try:
                result = {one["camera_id"]: one["health"] for one in self.get("/status")["statuses"]}
            except httpx.HTTPError:
                return False
            return all(result.get(camera_id) == "ok" for camera_id in camera_ids)

        wait_until(fine, within_s=within_s, every_s=0.2)

    def _process(
        self,
        role: str,
        name: str,
        through: Sequence[str] = (),
        more: Mapping[str, str] | None = None,
        **settings: object,
    ) -> RoleProcess:
        environment = self.settings.changed(**settings).environment() | dict(self._environment) | dict(more or {})
        return RoleProcess(role, environment, self.folder / f"{name}.log", through)

    def _ready(self) -> bool:
        try:
            return self.http.get("/readyz").is_success
        except httpx.HTTPError:
            time.sleep(0.1)
            return False
