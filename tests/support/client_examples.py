"""The examples of `docs/reference/clients.md`, about a service of the test."""

from __future__ import annotations

import re
from pathlib import Path

_PAGE = Path(__file__).parents[2] / "docs" / "reference" / "clients.md"
_SERVICE = "http://127.0.0.1:8080"


def example(language: str, address: str, token: str) -> str:
    """All blocks of a language as one program, that asks the service at ``address`` (HOST:PORT) with a token."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```", _PAGE.read_text(), re.MULTILINE | re.DOTALL)
    text = "\n".join(blocks)
    text = text.replace(_SERVICE, f"http://{address}")
    for name in ("TOKEN", "token"):
        text = text.replace(f'{name} = ""', f'{name} = "{token}"')
    assert token in text
    assert address in text
    return text
