"""The pages as Sphinx reads them: a copy of each in a folder of its own, and of every file that they link to."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from website.navigation import INDEX, NOTES, ROOT, notes, sections

HOME = "index.md"  # what `docs/README.md` is in the site
_INDEX = INDEX.relative_to(ROOT).as_posix()
_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\(([^)\s]+)\)")
_BLOCK = re.compile(r"(^ *```.*?^ *```$)", re.MULTILINE | re.DOTALL)
_MADE = re.compile(r"^- (.*?) <!-- page: (\S+) -->$", re.MULTILINE)


def stage(folder: Path, made: dict[str, Callable[[], str]]) -> None:
    """Write all pages of the navigation into ``folder``, those of ``made`` too."""
    pages = [page for section in sections() for page in section.pages] + notes()
    for page in pages:
        text = made[page]() if page in made else _adapted(page, (ROOT / page).read_text(), folder)
        if page.endswith(NOTES):
            text += _toctree("", [_name(note) for note in notes()])
        _write(folder / page, text)
    _write(folder / HOME, _home(folder))


def _home(folder: Path) -> str:
    """The first page: that of the repository's `docs/`, with links from the root, and the navigation."""
    text = _MADE.sub(r"- [\1](\2)", INDEX.read_text())
    trees = [
        _toctree(section.title, [f"{entry.title} <{_name(entry.page)}>" for entry in section.entries])
        for section in sections()
    ]
    return _adapted(_INDEX, text, folder, stands_at=HOME) + "".join(trees)


def _name(page: str) -> str:
    """What Sphinx calls a page."""
    return "/" + page.removesuffix(".md")


def _toctree(caption: str, lines: list[str]) -> str:
    title = [f":caption: {caption}"] if caption else []
    return "\n".join(["", "```{toctree}", ":hidden:", *title, "", *lines, "```", ""])


def _adapted(page: str, text: str, folder: Path, stands_at: str | None = None) -> str:
    """A page with links that hold in the site. ``stands_at``: where it stands there, if elsewhere."""
    here = PurePosixPath(stands_at or page).parent

    def link(match: re.Match[str]) -> str:
        mark, words, target = match.groups()
        path, hash_sign, anchor = target.partition("#")
        if "://" in target or target.startswith("mailto:") or not path:
            return match[0]
        source = ((ROOT / page).parent / path).resolve()
        name = source.relative_to(ROOT).as_posix()
        if source.is_dir() and name != "docs":
            return words
        if name in ("docs", _INDEX):
            name = HOME
        elif source.exists() and source.suffix != ".md":
            _copy(source, folder / name)
        return f"{mark}[{words}]({_relative(name, here)}{hash_sign}{anchor})"

    parts = _BLOCK.split(_without_diagrams(text))
    return "".join(part if place % 2 else _LINK.sub(link, part) for place, part in enumerate(parts))


def _without_diagrams(text: str) -> str:
    """Diagrams as their text: what draws them would be a script of another host."""
    return text.replace("```mermaid\n", "```text\n")


def _relative(name: str, here: PurePosixPath) -> str:
    up = "../" * len(here.parts)
    return f"{up}{name}"


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
