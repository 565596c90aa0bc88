"""Cameras that others know are looked for over the API; nothing is added by it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import httpx
import pytest
from service_world import World

SEARCHES = "/api/v1/camera-searches"
STREAMS: dict[str, Any] = {"Back yard": {"producers": []}, "gate": None}


@pytest.fixture
def go2rtc() -> Iterator[str]:
    """The address of a program that answers as go2rtc does."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = json.dumps(STREAMS).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


async def test_what_go2rtc_knows_is_found_and_not_added(api: httpx.AsyncClient, world: World, go2rtc: str) -> None:
    world.camera("gate")
    answer = await api.post(SEARCHES, json={"place": "go2rtc", "address": go2rtc})
    assert answer.status_code == 200, answer.text
    yard, gate = answer.json()["cameras"]
    assert (yard["id"], yard["source"]) == ("back-yard", "rtsp://127.0.0.1:8554/Back%20yard")
    assert (yard["known"], gate["known"]) == (False, True)
    assert [camera["id"] for camera in (await api.get("/api/v1/cameras")).json()["cameras"]] == ["gate"]
    again = await api.post(SEARCHES, json={"place": "go2rtc", "address": go2rtc})
    assert again.status_code == 429, "one search after the other"
    assert "try again in 5 s" in again.json()["detail"]


@pytest.mark.parametrize("address", ["", "file:///etc/passwd", "/etc/passwd"])
async def test_a_program_is_asked_over_http_only(api: httpx.AsyncClient, address: str) -> None:
    answer = await api.post(SEARCHES, json={"place": "frigate", "address": address})
    assert answer.status_code == 422
    assert "enter the address of frigate, like http://nvr:5000" in answer.json()["detail"]
