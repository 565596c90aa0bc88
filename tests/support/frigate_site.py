"""A server that speaks Frigate's documented HTTP API of manual events, and refuses what Frigate refuses."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from pydantic import BaseModel, ValidationError
from receiver import Request, answer, read_request


class CreateBody(BaseModel):
    """`EventsCreateBody` of its API document."""

    source_type: str | None = "api"
    sub_label: str | None = None
    score: float | None = 0
    duration: int | None = 30
    include_recording: bool | None = True
    draw: dict[str, Any] | None = {}


class EndBody(BaseModel):
    """`EventsEndBody`."""

    end_time: float | None = None


class LoginBody(BaseModel):
    """`AppPostLoginBody`."""

    user: str
    password: str


@dataclass
class Event:
    id: str
    camera: str
    label: str
    start_time: float
    body: CreateBody
    end_time: float | None = None
    ends: int = 0  # how often it was ended


class _RefusedError(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass
class FrigateSite:
    """``users``: name to (password, role); none: the port without login. ``lost``: answers to creations that are cut
    off after the event was made. ``unwritten``: requests to end that come before an event was written."""

    cameras: tuple[str, ...] = ("gate", "front_yard")
    users: dict[str, tuple[str, str]] = field(default_factory=dict)
    clock_ahead_s: float = 0.0
    lost: int = 0
    unwritten: int = 0
    events: list[Event] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    sessions: dict[str, str] = field(default_factory=dict)
    port: int = 0
    _numbers: Any = field(default_factory=lambda: itertools.count(1))
    _server: asyncio.Server | None = None
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    def url(self, login: str = "") -> str:
        return f"frigate://{login}127.0.0.1:{self.port}"

    @property
    def open(self) -> list[Event]:
        return [event for event in self.events if event.end_time is None]

    async def start(self) -> None:
        """On the same port as before, if there was one."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while True:
                request = await read_request(reader)
                self.requests.append(request)
                reply = self._answer(request)
                if request.path.endswith("/create") and self.lost:
                    self.lost -= 1
                    return
                writer.write(reply)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    def _answer(self, request: Request) -> bytes:
        try:
            return self._routed(request)
        except _RefusedError as error:
            return _json(error.status, {"success": False, "message": str(error)})
        except ValidationError as error:
            return _json(422, {"detail": [{"msg": one["msg"]} for one in error.errors()]})

    def _routed(self, request: Request) -> bytes:
        parts = urlsplit(request.path)
        path = [unquote(part) for part in parts.path.strip("/").split("/")]
        match request.method, path:
            case "POST", ["api", "login"]:
                return self._log_in(LoginBody.model_validate_json(request.body))
            case "GET", ["api", "config"]:
                self._role(request)
                return _json(200, {"cameras": {name: {"enabled": True} for name in self.cameras}})
            case "GET", ["api", "events"]:
                self._role(request)
                return self._listed({name: values[0] for name, values in parse_qs(parts.query).items()})
            case "POST", ["api", "events", camera, label, "create"]:
                self._admin(request)
                return self._create(camera, label, CreateBody.model_validate_json(request.body or b"{}"))
            case "PUT", ["api", "events", event_id, "end"]:
                self._admin(request)
                return self._end(event_id, EndBody.model_validate_json(request.body))
        raise _RefusedError(404, "Not Found")

    def _log_in(self, body: LoginBody) -> bytes:
        password, role = self.users.get(body.user, ("", ""))
        if not password or body.password != password:
            return _json(401, {"message": "Login failed"})
        token = f"jwt.{next(self._numbers)}.sig"
        self.sessions[token] = role
        return answer(200, f"Set-Cookie: frigate_token={token}; HttpOnly; Path=/; SameSite=lax")

    def _role(self, request: Request) -> str:
        if not self.users:
            return "admin"
        token = request.headers.get("cookie", "").removeprefix("frigate_token=")
        if token not in self.sessions:
            raise _RefusedError(401, "Unauthorized")
        return self.sessions[token]

    def _admin(self, request: Request) -> None:
        if self._role(request) != "admin":
            raise _RefusedError(403, "Role viewer not authorized. Required: admin")

    def _listed(self, query: dict[str, str]) -> bytes:
        assert query.keys() <= {"cameras", "labels", "limit", "include_thumbnails"}
        found = [one for one in self.events if one.camera == query["cameras"] and one.label == query["labels"]]
        found.sort(key=lambda event: event.start_time, reverse=True)
        rows = [{"id": one.id, "camera": one.camera, "label": one.label, "start_time": one.start_time} for one in found]
        return _json(200, rows[: int(query["limit"])])

    def _create(self, camera: str, label: str, body: CreateBody) -> bytes:
        if camera not in self.cameras:
            raise _RefusedError(404, f"{camera} is not a valid camera.")
        now_s = time.time() + self.clock_ahead_s
        event = Event(f"{now_s}-abc{next(self._numbers)}", camera, label, now_s, body)
        if body.duration is not None:
            event.end_time = now_s + body.duration
        self.events.append(event)
        return _json(200, {"success": True, "message": "Successfully created event.", "event_id": event.id})

    def _end(self, event_id: str, body: EndBody) -> bytes:
        event = next((one for one in self.events if one.id == event_id), None)
        if self.unwritten or event is None:
            self.unwritten = max(0, self.unwritten - 1)
            raise _RefusedError(404, f"Event {event_id} not found.")
        if body.end_time is not None and body.end_time < event.start_time:
            raise _RefusedError(400, "end_time cannot be before start_time")
        event.end_time = body.end_time or time.time() + self.clock_ahead_s
        event.ends += 1
        return _json(200, {"success": True, "message": "Event successfully ended."})


@asynccontextmanager
async def frigate_site(**fields: Any) -> AsyncIterator[FrigateSite]:
    site = FrigateSite(**fields)
    await site.start()
    try:
        yield site
    finally:
        await site.stop()


def _json(status: int, value: object) -> bytes:
    return answer(status, "Content-Type: application/json", body=json.dumps(value).encode())
