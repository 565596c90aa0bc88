"""The pages that are made of the code hold all of it."""

from __future__ import annotations

import re

from service.access.rights import RIGHTS, WEBSOCKET
from service.schemas.websocket import SENT
from website import rest_reference, websocket_reference


def _headings(text: str, level: int) -> list[str]:
    return re.findall(rf"^{'#' * level} (.+)$", text, re.MULTILINE)


def test_every_route_is_described_once() -> None:
    page = rest_reference.page()
    routes = {f"{method} {path}" for method, path in RIGHTS if method != WEBSOCKET}
    described = _headings(page, 3)
    assert routes <= set(described)
    assert len(described) == len(set(described))
    assert "May: admin." in page.split("### POST /api/v1/cameras\n")[1].split("###")[0]


def test_every_model_that_is_linked_to_is_described() -> None:
    models = rest_reference.schemas()
    linked = re.findall(r"\]\(schemas\.md#([a-z0-9_-]+)\)", rest_reference.page() + models + websocket_reference.page())
    anchors = {heading.lower() for heading in _headings(models, 2)}
    assert linked
    assert set(linked) <= anchors


def test_every_websocket_is_described() -> None:
    assert {path for method, path in RIGHTS if method == WEBSOCKET} == set(SENT)
    assert _headings(websocket_reference.page(), 2) == list(SENT)
