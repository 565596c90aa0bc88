"""Every regular expression of the product takes time in proportion to what it looks at, whoever wrote that."""

from __future__ import annotations

import ast
import importlib
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from growth import growth_of, seconds

ROOT = Path(__file__).parents[1]
ROOMS = ("patchwatch", "service", "workers", "models")
METHODS = ("search", "match", "fullmatch", "findall", "finditer", "split", "sub")
LENGTH = 32_000  # a billion steps for what is quadratic: a second or more
SURELY_LINEAR_S = 0.02
LEFT_OUT = {"patchwatch/cli/commands/settings.py"}  # looks at our own pages alone


@dataclass(frozen=True)
class Use:
    """A method of a pattern, as one file calls it."""

    file: str
    pattern: re.Pattern[Any]
    method: str

    def __str__(self) -> str:
        return f"{self.file}:{self.method}:{self.pattern.pattern!r:.40}"

    def look(self, text: Any) -> Any:
        arguments = ("x" if isinstance(text, str) else b"x", text) if self.method == "sub" else (text,)
        result = getattr(self.pattern, self.method)(*arguments)
        return list(result) if self.method == "finditer" else result


def uses() -> Iterator[Use]:
    for path in sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py")):
        name, text = str(path.relative_to(ROOT)), path.read_text()
        if name in LEFT_OUT or not re.search(r"^\s*(import re\b|from re import)", text, re.MULTILINE):
            continue  # each process of the tests does this once: only what has patterns is parsed
        nodes = ast.walk(ast.parse(text))
        yield from uses_in(name, [n for n in nodes if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute)])


def uses_in(name: str, calls: list[ast.Call]) -> Iterator[Use]:
    module = importlib.import_module(name.removesuffix(".py").replace("/", "."))
    for call in calls:
        function = call.func
        assert isinstance(function, ast.Attribute)
        if function.attr not in METHODS or not isinstance(function.value, ast.Name):
            continue
        owner = getattr(module, function.value.id, None)
        if owner is re:
            yield Use(name, re.compile(eval(ast.unparse(call.args[0]), vars(module))), function.attr)  # noqa: S307
        elif isinstance(owner, re.Pattern):
            yield Use(name, owner, function.attr)


USES = [*{str(use): use for use in uses()}.values()]


def parts_of(pattern: re.Pattern[Any]) -> list[str]:
    """What may keep a pattern busy: letters of its own, alone, in pairs, and its words."""
    text = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
    letters = sorted({"a", "A", "0", " ", "\n"} | {letter for letter in text if not letter.isalnum()})
    words = re.findall(r"[A-Za-z]{2,}[{\[(=:]?", text.replace("\\", ""))
    return [*letters, *("".join(pair) for pair in itertools.permutations(letters[:8], 2)), *words]


def test_they_are_found() -> None:
    files = {use.file for use in USES}
    assert {"patchwatch/contract/redaction.py", "service/routes/cameras/scores.py"} <= files


@pytest.mark.parametrize("use", USES, ids=str)
def test_a_regular_expression_is_linear(use: Use) -> None:
    for part in parts_of(use.pattern):

        def text_of(size: int, part: str = part) -> Any:
            text = part * (size // len(part)) + "\x01"
            return text if isinstance(use.pattern.pattern, str) else text.encode("latin-1")

        if seconds(use.look, text_of(LENGTH)) > SURELY_LINEAR_S:
            assert growth_of(use.look, text_of) < 3.2, f"{part!r} repeated"
