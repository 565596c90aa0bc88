"""The navigation: `docs/README.md` lists every page once, under the headings that the site shows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
INDEX = ROOT / "docs" / "README.md"
_HEADING = re.compile(r"^## (.+)$")
_ENTRY = re.compile(r"^- \[([^\]]+)\]\(([^)#\s]+)\)")
_MADE = re.compile(r"^- ([^:]+).*<!-- page: (\S+) -->$")  # a page that only the site has
NOTES = "decisions/README.md"  # its notes are listed by itself, and stand below it


@dataclass(frozen=True)
class Entry:
    """A page under the name that it is listed by. ``page``: its path relative to the root of the repository."""

    title: str
    page: str


@dataclass(frozen=True)
class Section:
    """A part of the navigation."""

    title: str
    entries: tuple[Entry, ...]

    @property
    def pages(self) -> list[str]:
        return [entry.page for entry in self.entries]


def sections(text: str | None = None) -> list[Section]:
    """Those of `docs/README.md`, in its order; of ``text`` where it is given."""
    found: list[tuple[str, list[Entry]]] = []
    for line in (INDEX.read_text() if text is None else text).splitlines():
        if heading := _HEADING.match(line):
            found.append((heading[1], []))
        elif (entry := _ENTRY.match(line) or _MADE.match(line)) and found:
            found[-1][1].append(Entry(entry[1], _from_root(entry[2])))
    return [Section(title, tuple(entries)) for title, entries in found]


def notes() -> list[str]:
    """The decisions, below the page that lists them."""
    return [path.relative_to(ROOT).as_posix() for path in sorted(INDEX.parent.glob("decisions/[0-9]*.md"))]


def _from_root(target: str) -> str:
    path = (INDEX.parent / target).resolve()
    return path.relative_to(ROOT).as_posix()
