"""The commands that the pages of `docs/` show."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "SECURITY.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs").glob("guides/*.md")),
    *sorted((ROOT / "docs").glob("reference/*.md")),
    *sorted((ROOT / "deploy").rglob("*.md")),
]
_SHELL = re.compile(r"^ *```sh\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
_SETTING = re.compile(r"[A-Z_]+=\S*")


@dataclass(frozen=True)
class Command:
    """``words``: of a call of `patchwatch`, without that word; empty for another program."""

    page: str
    line: str
    words: tuple[str, ...]


def commands() -> list[Command]:
    """Each command once for each page, in order."""
    found = [
        Command(page.relative_to(ROOT).as_posix(), line, _words(line))
        for page in PAGES
        for line in _lines(page.read_text())
    ]
    return list(dict.fromkeys(found))


def _lines(text: str) -> list[str]:
    """Those of the blocks, without comments; what is continued, or quoted over lines, is one."""
    lines: list[str] = []
    for line in "".join(_SHELL.findall(text)).replace("\\\n", " ").splitlines():
        if lines and lines[-1].count("'") % 2:
            lines[-1] += f"\n{line}"
        else:
            lines.append(re.sub(r"\s+# .*", "", line).strip())
    return [line for line in lines if line]


def _words(line: str) -> tuple[str, ...]:
    try:
        words = shlex.split(line.partition(" < ")[0].partition(" > ")[0].partition(" | ")[0])
    except ValueError:
        return ()
    while words and _SETTING.fullmatch(words[0]):
        del words[0]
    if words[:2] == ["docker", "compose"] and "patchwatch" in words:
        del words[: words.index("patchwatch")]
    return tuple(words[1:]) if words[:1] == ["patchwatch"] else ()
