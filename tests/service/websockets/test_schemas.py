"""What clients are told of the messages is what they receive."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import jsonschema
from service_world import Serve, World, now_ms
from waiting import PATIENCE_S
from websockets.asyncio.client import ClientConnection, connect

from patchwatch.contract.settings import Settings
from service.schemas.websocket import SENT, PictureHeader


def _checked(path: str, message: dict[str, Any]) -> str:
    """The type of a message, which is one of those that this WebSocket sends."""
    for model in SENT[path]:
        schema = model.model_json_schema(mode="serialization")
        if schema["properties"].get("type", {}).get("const") == message["type"]:
            jsonschema.validate(message, schema)
            return str(message["type"])
    raise AssertionError(f"no schema for {message}")


async def _types(socket: ClientConnection, path: str, wanted: set[str]) -> set[str]:
    seen: set[str] = set()
    async with asyncio.timeout(PATIENCE_S):
        while not wanted <= seen:
            seen.add(_checked(path, json.loads(await socket.recv())))
    return seen


async def test_alerts_are_as_described(serve: Serve, settings: Settings, world: World) -> None:
    world.camera()
    address, path = serve(settings), "/api/v1/ws/alerts"
    started_ms = now_ms()
    async with connect(f"ws://{address}{path}") as socket, httpx.AsyncClient() as operator:
        await _types(socket, path, {"hello", "heartbeat"})
        world.alert(started_ms)
        verdict = {"verdict": "normal", "note": "the cleaner"}
        await operator.put(f"http://{address}/api/v1/alerts/gate-{started_ms}/verdict", json=verdict)
        await _types(socket, path, {"alert", "verdict"})


async def test_scores_are_as_described(serve: Serve, settings: Settings, world: World) -> None:
    world.camera()
    path = "/api/v1/ws/scores"
    async with connect(f"ws://{serve(settings)}{path}?camera=gate&camera=unknown") as socket:
        await _types(socket, path, {"hello"})
        world.score(now_ms())
        await _types(socket, path, {"score", "heartbeat"})


async def test_pictures_are_as_described(serve: Serve, settings: Settings, world: World) -> None:
    world.camera()
    world.camera("yard")
    world.capture()
    world.frame(1)
    world.commit(1, [[100, 80, 380, 300, "person", 0.9]], {"scored": 1})
    async with connect(f"ws://{serve(settings)}/api/v1/ws/pictures") as socket, asyncio.timeout(PATIENCE_S):
        await socket.send(json.dumps({"cameras": ["gate", "yard"], "received": 0}))
        wanted = {"heartbeat", "none", "picture"}
        while wanted:
            message = await socket.recv()
            if isinstance(message, bytes):
                length = int.from_bytes(message[:4], "big")
                header = json.loads(message[4 : 4 + length])
                jsonschema.validate(header, PictureHeader.model_json_schema(mode="serialization"))
                assert message[4 + length :].startswith(b"\xff\xd8")
                assert header["boxes"]
                wanted.discard("picture")
            else:
                wanted.discard(_checked("/api/v1/ws/pictures", json.loads(message)))
