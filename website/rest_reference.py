"""The REST API as pages, of the OpenAPI document: every route, and every model."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from http import HTTPStatus
from typing import Any

from website import websocket_reference
from website.field_table import escaped, table, type_of

_OPENING = """\
# REST reference

Made of the OpenAPI document that a running service has at `/openapi.json`. Times are ISO 8601 in UTC. Errors are
problem details (RFC 9457): [every code and what to do](errors.md). *May* names the least role that may use a
route; a token has the rights of its scope ([roles](../../README.md#always-on)).
"""


@cache
def document() -> dict[str, Any]:
    """The OpenAPI document, of an app that connects to nothing."""
    from patchwatch.contract.settings import Settings
    from service.app import create_app

    return create_app(Settings(redis_url="redis://127.0.0.1:1/0")).openapi()


def page() -> str:
    """The routes, by their tags."""
    tags = dict.fromkeys(route["tags"][0] for _, _, route in _routes())
    parts = [_OPENING]
    for tag in tags:
        parts.append(f"\n## {tag.capitalize()}\n")
        parts += [_entry(method, path, route) for method, path, route in _routes() if route["tags"][0] == tag]
    return "\n".join(parts)


def schemas() -> str:
    """The models that the routes take and give."""
    parts = ["# Models of the API\n\nWhat [REST routes](rest.md) take and give, and [WebSockets](websockets.md) send."]
    known = websocket_reference.models() | document()["components"]["schemas"]
    for name, schema in sorted(known.items()):
        parts.append(f"\n## {name}\n\n{escaped(schema.get('description', ''))}\n\n{table(schema)}")
    return "\n".join(parts)


def _routes() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document()["paths"].items():
        for method, route in methods.items():
            yield method.upper(), path, route


def _entry(method: str, path: str, route: dict[str, Any]) -> str:
    parts = [f"### {method} {path}\n", f"{route['summary'].rstrip('.')}. {_role(method, path)}\n"]
    if "description" in route:
        parts.append(f"{escaped(route['description'])}\n")
    if "parameters" in route:
        parts.append(_parameters(route["parameters"]))
    if "requestBody" in route:
        parts.append(f"Takes {_content(route['requestBody'])}.\n")
    parts.append(_answers(route["responses"]))
    return "\n".join(parts)


def _role(method: str, path: str) -> str:
    from service.access.rights import RIGHTS, Reach

    right = RIGHTS.get((method, path))
    if right is None or right.reach is Reach.OPEN:
        return "May: everybody."
    return f"May: {right.role.value}."


def _parameters(parameters: list[dict[str, Any]]) -> str:
    rows = ["| parameter | in | type | meaning |", "|---|---|---|---|"]
    for one in parameters:
        need = "" if one.get("required") else ", optional"
        meaning = escaped(one.get("description") or one["schema"].get("description", ""))
        rows.append(f"| `{one['name']}` | {one['in']} | {type_of(one['schema'])}{need} | {meaning} |")
    return "\n".join(rows) + "\n"


def _answers(responses: dict[str, Any]) -> str:
    good = [_answer(status, answer) for status, answer in responses.items() if status < "4"]
    bad = [f"{status} {HTTPStatus(int(status)).phrase}" for status in sorted(responses) if status >= "4"]
    refusals = f" Otherwise: {', '.join(bad)}." if bad else ""
    return f"Answers {'; '.join(good)}.{refusals}\n"


def _answer(status: str, answer: dict[str, Any]) -> str:
    return f"{status} with {_content(answer)}" if answer.get("content") else status


def _content(body: dict[str, Any]) -> str:
    kinds = []
    for media_type, content in body["content"].items():
        schema = content.get("schema", {})
        named = type_of(schema) if media_type == "application/json" and schema else ""
        kinds.append(named if named not in ("", "any") else f"`{media_type}`")
    return " or ".join(kinds)
