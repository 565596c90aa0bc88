"""Every message that Patchwatch raises or that `patchwatch doctor` says, found in the code."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path

from website.field_table import escaped

ROOT = Path(__file__).parents[1]
ROOMS = ("patchwatch", "models", "workers", "service")
_LEVELS = {"ok", "warn", "fail"}
_VALUES = ("patchwatch/contract", "patchwatch/messages", "service/schemas")  # whose ValueErrors users read
_BLANK = "…"  # in place of what differs from case to case
_SHORTEST = 8  # characters that are the same in all cases
_OPENING = f"""\
# All messages

What Patchwatch may say when something is wrong, for looking up; `{_BLANK}` stands for what differs. Each message names
its remedy. [Errors](errors.md) says what each code means and what to do about it.
"""


@dataclass(frozen=True, order=True)
class Said:
    """A message. ``under``: an error's class, or a check of the doctor and its level."""

    under: str
    text: str


@cache
def error_classes() -> dict[str, type[Exception]]:
    """Every class of error that Patchwatch raises, by its name."""
    from patchwatch.contract.errors import PatchwatchError

    for path in _files():
        if any(isinstance(node, ast.ClassDef) and node.name.endswith("Error") for node in _tree(path).body):
            import_module(path.relative_to(ROOT).with_suffix("").as_posix().replace("/", "."))
    found: dict[str, type[Exception]] = {}
    pending: list[type[PatchwatchError]] = [PatchwatchError]
    while pending:
        kind = pending.pop()
        pending += kind.__subclasses__()
        if kind.__module__.partition(".")[0] in ROOMS:
            found[kind.__name__] = kind
    return found


@cache
def raised() -> list[Said]:
    """The messages of errors, and of values that are refused, under the names of their classes."""
    names = set(error_classes())
    found = set()
    for path in _files():
        values = path.relative_to(ROOT).as_posix().startswith(_VALUES)
        for call in _calls(path):
            name = _name(call.func)
            if name in names or (name == "ValueError" and values):
                found |= {Said(name, text) for text in _texts(call.args[:1])}
            elif name == "from_field":
                found |= {Said("InvalidFieldsError", text) for text in _texts(call.args[1:2])}
    return sorted(found)


@cache
def findings() -> list[Said]:
    """What the checks of `patchwatch doctor` say that is not well, under the check and its level."""
    found = set()
    for level, check, texts in _findings():
        if level != "ok":
            found |= {Said(f"{check} ({level})", text) for text in texts}
    return sorted(found)


def checks() -> set[str]:
    """The names of the checks of `patchwatch doctor`."""
    return {check for _, check, _ in _findings()} - {_BLANK}


def _findings() -> Iterator[tuple[str, str, list[str]]]:
    """Level, check and texts."""
    for path in sorted((ROOT / "patchwatch" / "doctor").glob("*.py")):
        constants = _constants(path)
        for call in _calls(path):
            level = _name(call.func)
            if level in _LEVELS and len(call.args) == 2:
                yield level, _text(call.args[0], constants), _texts(call.args[1:], constants)
            elif level == "_port":  # which says what the port is for
                yield "ok", _text(call.args[0], constants), []


def page() -> str:
    """Errors by code, then the doctor's findings by check."""
    parts = [_OPENING, "\n## By code\n"]
    classes = error_classes()
    codes: dict[str, set[str]] = {}
    for said in raised():
        code = "invalid" if said.under == "ValueError" else classes[said.under].code  # type: ignore[attr-defined]
        codes.setdefault(code, set()).add(said.text)
    parts += [_list(f"`{code}`", texts) for code, texts in sorted(codes.items())]
    parts.append("\n## By check of `patchwatch doctor`\n")
    found: dict[str, set[str]] = {}
    for said in findings():
        found.setdefault(said.under, set()).add(said.text)
    return "\n".join([*parts, *(_list(check, texts) for check, texts in sorted(found.items()))])


def _list(title: str, texts: set[str]) -> str:
    return "\n".join([f"### {title}\n", *(f"- {_shown(text)}" for text in sorted(texts)), ""])


def _shown(text: str) -> str:
    plain = escaped(text).replace("\\|", "|")
    if plain.count("`") % 2:
        plain = plain.replace("`", "'")
    parts = plain.split("`")
    return "`".join(part if place % 2 else _without_marks(part) for place, part in enumerate(parts))


def _without_marks(text: str) -> str:
    """Prose in which Markdown finds no links, emphasis or the like."""
    for mark in "\\*_[]{}":
        text = text.replace(mark, f"\\{mark}")
    return text


def _files() -> list[Path]:
    return sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def _calls(path: Path) -> Iterator[ast.Call]:
    return (node for node in ast.walk(_tree(path)) if isinstance(node, ast.Call))


def _name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _constants(path: Path) -> dict[str, str]:
    """Texts that a module gives names to."""
    return {
        target.id: _text(node.value, {})
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name) and _text(node.value, {}) != _BLANK
    }


def _texts(given: list[ast.expr], constants: dict[str, str] | None = None) -> list[str]:
    """The texts that an argument may be; none where it is only known when it is raised."""
    if not given:
        return []
    node = given[0]
    if isinstance(node, ast.IfExp):
        return [text for way in (node.body, node.orelse) for text in _texts([way], constants)]
    text = _text(node, constants or {})
    return [text] if len(text.replace(_BLANK, "").strip()) >= _SHORTEST else []


def _text(node: ast.expr, constants: dict[str, str]) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part, constants) for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _text(node.left, constants) + _text(node.right, constants)
    return constants.get(node.id, _BLANK) if isinstance(node, ast.Name) else _BLANK
