"""What docker-compose.yml asks of a container, with the variables of .env put in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
ROLES = ("ingest", "inference", "enrolment", "delivery", "service")
_VARIABLE = re.compile(r"(?<!\$)\$\{([A-Z_]+)(?::([-?])([^}]*))?\}")


def services(variables: Mapping[str, str]) -> dict[str, Any]:
    """The services of the file, as Compose reads them with these variables."""
    known: dict[str, Any] = yaml.safe_load(_interpolated((ROOT / "docker-compose.yml").read_text(), variables))
    found: dict[str, Any] = known["services"]
    return found


def example_variables() -> dict[str, str]:
    """Those of the example that users copy to .env."""
    lines = (ROOT / "deploy" / ".env.example").read_text().splitlines()
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name: value for name, _, value in pairs}


def _interpolated(text: str, variables: Mapping[str, str]) -> str:
    def value(found: re.Match[str]) -> str:
        name, sort, word = found.groups()
        if variables.get(name):
            return variables[name]
        if sort != "-":
            raise ValueError(f"{name} is not set: {word or 'docker-compose.yml needs it'}")
        return str(word)

    return _VARIABLE.sub(value, text).replace("$$", "$")
