"""The command line follows alerts without a hole, over connections that end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from threading import Thread

import pytest
from websockets.sync.server import Server, ServerConnection, serve

from patchwatch.cli.commands.alerts import watch as alert_watch
from patchwatch.cli.commands.alerts.watch import alert_messages
from patchwatch.contract.errors import RejectedError
from patchwatch.rest_client import RestClient


class Service:
    """Ends the first two connections; refuses those that want an unknown camera."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None]] = []

    def serve(self, socket: ServerConnection) -> None:
        request = socket.request
        assert request is not None
        self.asked.append((request.path, request.headers.get("Authorization")))
        if "camera=bad" in request.path:
            socket.close(4422, "correct the camera's id")
            return
        socket.send(json.dumps({"type": "hello", "positions": ["5-0"], "unknown_cameras": []}))
        if len(self.asked) > 1:
            socket.send(json.dumps({"type": "alert", "id": f"{len(self.asked) + 5}-0"}))
        if len(self.asked) > 2:
            socket.recv()


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Service, RestClient]]:
    monkeypatch.setattr(alert_watch, "_RECONNECT_S", 0.01)
    service = Service()
    server: Server = serve(service.serve, "127.0.0.1", 0)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield service, RestClient(f"http://127.0.0.1:{server.socket.getsockname()[1]}", "t" * 16)
    server.shutdown()
    thread.join()


def test_a_connection_that_ends_leaves_no_hole(service: tuple[Service, RestClient]) -> None:
    world, client = service
    messages = alert_messages(client, ["yard"])
    seen = [message["type"] for message in islice(messages, 5)]
    messages.close()  # type: ignore[attr-defined]
    assert seen == ["hello", "hello", "alert", "hello", "alert"]
    paths, tokens = zip(*world.asked, strict=True)
    assert [path.partition("?")[2] for path in paths] == [
        "camera=yard", "camera=yard&after=5-0", "camera=yard&after=7-0",
    ]  # fmt: skip
    assert set(tokens) == {"Bearer " + "t" * 16}


def test_a_refusal_is_shown_and_not_tried_again(service: tuple[Service, RestClient]) -> None:
    world, client = service
    with pytest.raises(RejectedError, match="correct the camera's id"):
        list(alert_messages(client, ["bad"]))
    assert len(world.asked) == 1
