"""The fields of a JSON schema as a table."""

from __future__ import annotations

import json
from typing import Any

SCHEMAS = "schemas.md"  # the page of all models, beside the one that links to it


def escaped(text: str) -> str:
    """Text for a cell of a table, outside of code."""
    words = " ".join(text.split()).replace("|", "\\|")
    parts = words.split("`")
    return "`".join(part if place % 2 else part.replace("<", "&lt;") for place, part in enumerate(parts))


def anchor(name: str) -> str:
    """That of a model's heading."""
    return name.lower()


def type_of(schema: dict[str, Any]) -> str:
    """What values a field may have, with links to the models."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}]({SCHEMAS}#{anchor(name)})"
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`"
    if "enum" in schema:
        return " or ".join(f"`{json.dumps(value)}`" for value in schema["enum"])
    for kind in ("anyOf", "oneOf", "allOf"):
        if kind in schema:
            return " or ".join(dict.fromkeys(type_of(one) for one in schema[kind]))
    if schema.get("type") == "array":
        return f"list of {type_of(schema.get('items', {}))}"
    if schema.get("type") == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"object of {type_of(schema['additionalProperties'])}"
    return str(schema.get("format") or schema.get("type") or "any")


def table(schema: dict[str, Any]) -> str:
    """One row for each field; of a model without fields what values it has."""
    if "properties" not in schema:
        return f"{type_of(schema)}\n"
    required = set(schema.get("required", ()))
    rows = ["| field | type | meaning |", "|---|---|---|"]
    for name, field in schema["properties"].items():
        need = "" if name in required else ", optional"
        rows.append(f"| `{name}` | {type_of(field)}{need} | {escaped(field.get('description', ''))} |")
    return "\n".join(rows) + "\n"
