"""The WebSockets as a page: what each sends, by the schemas of the messages."""

from __future__ import annotations

import inspect
from typing import Any

from website.field_table import escaped, table

_OPENING = """\
# WebSocket reference

Messages are JSON text, but for pictures. Choose cameras with `?camera=ID` (repeatable); without it, all that you may
see. Resume with `?after=ID`: the id of the last message received, one per camera for scores. Present a token as
`Authorization: Bearer TOKEN`; a browser cannot, and offers the subprotocols `patchwatch` and `patchwatch.token.`
followed by the token in base64url without `=`, or appends `?token=TOKEN`, which proxies may log. A message of a type
that you do not know is not for you: skip it. [Clients](clients.md) has examples that run.

| close code | means | do |
|---|---|---|
| 1000 | the service stops | reconnect, and resume |
| 1011 | a defect of Patchwatch | reconnect; the service's log says more |
| 1013 | too slow, or Redis does not answer | reconnect after a pause, and resume |
| 4401 | no token, or a wrong one | log in, or correct the token |
| 4403 | you may not, or the page is of another origin | ask an admin; set `PATCHWATCH_PUBLIC_URL` |
| 4422 | a parameter or a message is wrong | correct it: the reason says which |
| 4429 | too many | wait |
"""


def page() -> str:
    """Each WebSocket with its messages."""
    from service.schemas.websocket import RECEIVED, SENT

    parts = [_OPENING]
    for path, models in SENT.items():
        parts.append(f"\n## {path}\n")
        parts += [_entry(model, "you send") for model in RECEIVED.get(path, ())]
        parts += [_entry(model, "you receive") for model in models]
    return "\n".join(parts)


def models() -> dict[str, dict[str, Any]]:
    """The schemas of what the messages hold, by name."""
    from service.schemas.websocket import RECEIVED, SENT

    found: dict[str, dict[str, Any]] = {}
    for model in (one for models in (*SENT.values(), *RECEIVED.values()) for one in models):
        found |= _schema(model).get("$defs", {})
    return found


def _schema(model: Any) -> dict[str, Any]:
    schema: dict[str, Any] = model.model_json_schema(mode="serialization", ref_template="#/components/schemas/{model}")
    return schema


def _entry(model: Any, way: str) -> str:
    schema = _schema(model)
    name = model.__name__.removesuffix("Message")
    return f"### {name}\n\n{way.capitalize()}: {escaped(inspect.getdoc(model) or '')}\n\n{table(schema)}"
