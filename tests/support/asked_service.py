"""A service that answers every request of the command line alike, and keeps what it was asked."""

from __future__ import annotations

from typing import Any

import pytest

from patchwatch.rest_client import RestClient


def questions(monkeypatch: pytest.MonkeyPatch, answer: Any) -> list[Any]:
    """From now on every request gets the ``answer``; the list grows by ``(method, path, body)`` of each."""
    asked: list[Any] = []

    def request(client: object, method: str, path: str, body: Any = None) -> Any:
        asked.append((method, path, body))
        return answer

    monkeypatch.setattr(RestClient, "request", request)
    return asked
