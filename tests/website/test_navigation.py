"""The first page of the documentation lists every page once."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from website.made_pages import MADE
from website.navigation import ROOT, Entry, Section, notes, sections

BESIDE = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")  # in the root


def _written() -> set[str]:
    """Every page of the repository, but for the first one itself, and the decisions below their index."""
    folders = [path for folder in ("docs", "deploy") for path in (ROOT / folder).rglob("*.md")]
    names = {path.relative_to(ROOT).as_posix() for path in folders} | set(BESIDE)
    return names - set(notes()) - {"docs/README.md"}


def test_the_navigation_holds_every_page_once() -> None:
    listed = Counter(page for section in sections() for page in section.pages)
    assert set(listed) == _written() | set(MADE)
    assert [page for page, times in listed.items() if times > 1] == []


def test_a_page_under_no_heading_is_no_part_of_it() -> None:
    entries = "- [B](figures.md): b\n- C: made <!-- page: reference/rest.md -->\nnot - [D](x.md)\n"
    text = f"- [A](style.md)\n\n## Use\n\n{entries}"
    [section] = sections(text)
    assert section == Section("Use", (Entry("B", "docs/figures.md"), Entry("C", "docs/reference/rest.md")))


def test_made_pages_are_not_written_by_hand_too() -> None:
    assert [page for page in MADE if Path(ROOT / page).exists()] == []
