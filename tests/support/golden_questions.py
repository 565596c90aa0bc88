"""What a stored installation is asked over REST and WebSockets: every route once, and changes of every kind."""

from __future__ import annotations

from typing import Any

import httpx
from installation import API
from stored_installation import CAMERA, Keys, answer, shape

_NOT_FOUND = "nothing-of-this-name"


def record(host: str, method: str, path: str, body: object = None) -> dict[str, Any]:
    return {"method": method, "path": path, "body": body, "answer": answer(host, method, path, body)}


def shaped(got: dict[str, Any]) -> dict[str, Any]:
    return got | {"body": shape(got["body"])}


def points(host: str) -> list[Any]:
    path = f"{API}/cameras/{CAMERA}/scores?from=2020-01-01T00:00:00Z&limit=10000"
    result: list[Any] = httpx.get(f"http://{host}{path}").json()["points"]
    return result


def gets(host: str, paths: dict[str, Any]) -> list[str]:
    """Every GET route, with something that is there."""
    ids = ids_of(host)
    result = [path.format(**ids) for path, methods in paths.items() if "get" in methods]
    ever = "?from=2020-01-01T00:00:00Z"
    result = [path + ever if path.endswith("/scores") else path for path in result]
    return [*result, f"{API}/cameras/{CAMERA}/scores{ever}&resolution=60", f"{API}/cameras/{_NOT_FOUND}"]


def ids_of(host: str) -> dict[str, str]:
    def first(path: str, noun: str) -> str:
        return str(httpx.get(f"http://{host}{API}{path}").json()[noun][0]["id"])

    return {
        "camera_id": CAMERA, "webhook_id": "broken", "alert_id": first("/alerts", "alerts"),
        "enrolment_id": first(f"/cameras/{CAMERA}/enrolments", "enrolments"),
        "bank_id": first(f"/cameras/{CAMERA}/banks", "banks"),
    }  # fmt: skip


def sockets(keys: Keys) -> list[tuple[str, int]]:
    """Paths, and how many messages: the hello, all that is there, and a heartbeat."""
    (scores,) = (key for key in keys if ":scores:" in key)
    return [
        (f"{API}/ws/alerts?after=0-1", 2 + len(keys["pw:alerts"]["value"])),
        (f"{API}/ws/scores?camera={CAMERA}&after={CAMERA}:0-1", 2 + len(keys[scores]["value"])),
    ]


def changes(host: str) -> list[tuple[str, str, object]]:
    """Every route that changes something; no worker is there, so what needs one says so after a while."""
    ids = ids_of(host)
    camera, webhook = f"{API}/cameras/{CAMERA}", f"{API}/webhooks/broken"
    enrolments = httpx.get(f"http://{host}{camera}/enrolments").json()["enrolments"]
    pending = next(one["id"] for one in enrolments if one["state"] == "queued")
    bank = f"{camera}/banks/{ids['bank_id']}"
    return [
        ("POST", f"{API}/cameras", {"id": "new", "source": "push:"}),
        ("PATCH", f"{API}/cameras/new", {"name": "New"}),
        ("DELETE", f"{camera}/enrolments/{pending}", None),
        ("POST", f"{API}/cameras/new/enrolments", {"live_seconds": 60}),
        ("POST", f"{bank}/activate", None),
        ("PATCH", bank, {"pinned": True}),
        ("DELETE", bank, None),
        ("POST", f"{API}/webhooks", {"id": "third", "url": "http://127.0.0.1:9/hook"}),
        ("PATCH", webhook, {"cameras": []}),
        ("POST", f"{webhook}/dead/retry", {}),
        ("POST", f"{webhook}/secret", None),
        ("POST", f"{webhook}/test", None),
        ("DELETE", webhook, None),
        ("DELETE", f"{API}/cameras/new", None),
    ]
