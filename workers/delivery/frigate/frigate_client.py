"""Frigate's HTTP API, as far as manual events need it: versions 0.14 to 0.16.

Facts of its documentation that this relies on: `POST /api/events/CAMERA/LABEL/create` makes an event that begins now
and, with a null duration, lasts until `PUT /api/events/EVENT/end`; only its admins may do either. On port 5000 nobody
logs in; on port 8971 `POST /api/login` sets a cookie that later requests bring.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import quote, urlencode

from pydantic import TypeAdapter, ValidationError

from patchwatch.http_client.guarded_http import HttpAnswer
from patchwatch.messages.alerts.frigate import EventId, FrigateAddress
from workers.delivery.delivery_result import DeliveryResult, ResultKind
from workers.delivery.guarded_http import GuardedHttp, NoAnswerError

_MOST_BYTES = 8 * 1024 * 1024  # of an answer; a configuration of a hundred cameras is about one MB
_NAMES_KEPT_S = 300.0
_EVENT_ID: TypeAdapter[str] = TypeAdapter(EventId)
_STRANGE = "the answer is not Frigate's: does the address lead to Frigate 0.14 or later?"


class UnknownToFrigateError(NoAnswerError):
    """It answers 404: there is no such camera, or no such event."""


class FrigateClient:
    """All methods raise `NoAnswerError`, with a reason that holds neither addresses nor words of the answer."""

    def __init__(self, address: FrigateAddress, http: GuardedHttp) -> None:
        self._address = address
        self._http = http
        self._cookie = ""
        self._names: tuple[float, frozenset[str]] | None = None

    async def close(self) -> None:
        await self._http.close()

    async def camera_names(self) -> frozenset[str]:
        """Of the cameras in its configuration, which is read again after some minutes."""
        now_s = time.monotonic()
        if self._names is None or now_s - self._names[0] > _NAMES_KEPT_S:
            config = await self._ask("GET", "/api/config")
            cameras = config.get("cameras") if isinstance(config, dict) else None
            if not isinstance(cameras, dict):
                raise _failure(ResultKind.FAILED, _STRANGE)
            self._names = now_s, frozenset(cameras)
        return self._names[1]

    async def latest_event_id(self, camera: str, label: str) -> str:
        """Of its events of this camera and label, by their start; empty where there is none."""
        query = urlencode({"cameras": camera, "labels": label, "limit": 1, "include_thumbnails": 0})
        events = await self._ask("GET", f"/api/events?{query}")
        if not isinstance(events, list) or not all(isinstance(event, dict) for event in events[:1]):
            raise _failure(ResultKind.FAILED, _STRANGE)
        return _event_id(events[0].get("id")) if events else ""

    async def create(self, camera: str, label: str, event: Mapping[str, Any]) -> str:
        """The id of a new event. Raises `UnknownToFrigateError` for a camera that is not in its configuration any
        more."""
        path = f"/api/events/{quote(camera, safe='')}/{quote(label, safe='')}/create"
        try:
            made = await self._ask("POST", path, event)
        except UnknownToFrigateError:
            self._names = None
            raise
        if not isinstance(made, dict) or made.get("success") is not True:
            raise _failure(ResultKind.FAILED, _STRANGE)
        return _event_id(made.get("event_id"))

    async def end(self, event_id: str, ended_at_s: float | None = None) -> None:
        """None: now. Frigate refuses an end before its event's start, which another clock can make of it: such an event
        ends now, too. Raises `UnknownToFrigateError`."""
        path = f"/api/events/{quote(event_id, safe='')}/end"
        answer = await self._send("PUT", path, {"end_time": ended_at_s})
        if answer.status == 400 and ended_at_s is not None:
            answer = await self._send("PUT", path, {"end_time": None})
        _json(answer)

    async def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        return _json(await self._send(method, path, body))

    async def _send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> HttpAnswer:
        """Logs in where that is needed, also when the login of before is over."""
        fresh = bool(self._address.user and not self._cookie)
        if fresh:
            await self._log_in()
        answer = await self._exchange(method, path, body)
        if answer.status == 401 and self._address.user and not fresh:
            await self._log_in()
            answer = await self._exchange(method, path, body)
        return answer

    async def _log_in(self) -> None:
        self._cookie = ""
        credentials = {"user": self._address.user, "password": self._address.password}
        answer = await self._exchange("POST", "/api/login", credentials)
        if answer.status in (400, 401, 403):
            raise _failure(ResultKind.REJECTED, "Frigate refuses the user or the password of the channel's address")
        if not 200 <= answer.status < 300:
            raise NoAnswerError(DeliveryResult.from_status(answer.status, answer.header(b"retry-after")))
        self._cookie = _cookies(answer)
        if not self._cookie:
            raise _failure(ResultKind.FAILED, _STRANGE)

    async def _exchange(self, method: str, path: str, body: Mapping[str, Any] | None) -> HttpAnswer:
        headers = {"accept": "application/json"}
        if self._cookie:
            headers["cookie"] = self._cookie
        content = b""
        if body is not None:
            content = json.dumps(body).encode()
            headers["content-type"] = "application/json"
        url = self._address.base + path
        return await self._http.exchange(method, url, headers, content, most_bytes=_MOST_BYTES)


def _json(answer: HttpAnswer) -> Any:
    """What a successful answer says."""
    if not 200 <= answer.status < 300:
        raise _refusal(answer)
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        raise _failure(ResultKind.FAILED, _STRANGE) from None


def _refusal(answer: HttpAnswer) -> NoAnswerError:
    status = answer.status
    if status == 401:
        return _failure(ResultKind.REJECTED, "Frigate asks for a login: put user and password into the address")
    if status == 403:
        return _failure(ResultKind.REJECTED, "Frigate lets only its admins make events: give that user the role admin")
    if status == 404:
        return UnknownToFrigateError(DeliveryResult(ResultKind.REJECTED, "HTTP 404"))
    result = DeliveryResult.from_status(status, answer.header(b"retry-after"))
    if result.kind is ResultKind.GONE:  # a proxy's word, and none about all that is to come
        result = DeliveryResult(ResultKind.REJECTED, f"HTTP {status}")
    return NoAnswerError(result)


def _failure(kind: ResultKind, reason: str) -> NoAnswerError:
    return NoAnswerError(DeliveryResult(kind, reason))


def _event_id(value: object) -> str:
    try:
        return _EVENT_ID.validate_python(value, strict=True)
    except ValidationError:
        raise _failure(ResultKind.FAILED, _STRANGE) from None


def _cookies(answer: HttpAnswer) -> str:
    """All that a login set, as later requests bring them: Frigate's has whatever name its configuration gives it."""
    pairs = []
    for name, value in answer.headers:
        if name == b"set-cookie":
            try:
                cookies = SimpleCookie(value.decode("latin-1"))
            except CookieError:
                continue
            pairs += [f"{key}={cookie.value}" for key, cookie in cookies.items()]
    return "; ".join(pairs)
