"""A site of a few pages: what leads nowhere is a fault, and nothing comes from another host."""

from __future__ import annotations

import re
from pathlib import Path

import parts
import pytest

from website import build as building
from website import navigation, staging

FAULTS = (("docs/a.md", "[x](gone.md)"), ("docs/a.md", "[x](../B.md#no-such-part)"), ("B.md", "[x](#nowhere)"))
LOADED = re.compile(r"<(?:script|link|img|iframe|source)\b[^>]*\b(?:src|href)=\"([^\"]+)\"")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of three pages, with a decision and a record."""
    folder = tmp_path / "repository"
    pages = {
        "docs/README.md": "# First\n\n## Use\n\n- [A](a.md): a\n- [B](../B.md): b\n- [Why](decisions/README.md): why\n",
        "docs/a.md": "# A\n\n[there](../B.md#a-part), [home](README.md), [record](../record.json), [code](decisions)\n"
        "\n```mermaid\nflowchart LR\n```\n",
        "B.md": "# B\n\n## A part\n\n[back](docs/a.md) and [why](docs/decisions/001-so.md)\n",
        "docs/decisions/README.md": "# Why\n\n[001](001-so.md)\n",
        "docs/decisions/001-so.md": "# 001: So\n\n[A](../a.md)\n",
        "record.json": "{}",
    }
    for name, text in pages.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    for module in (navigation, staging):
        monkeypatch.setattr(module, "ROOT", folder)
        monkeypatch.setattr(module, "INDEX", folder / "docs" / "README.md")
    monkeypatch.setattr(building, "MADE", {})
    return folder


def test_a_site_is_built_that_loads_nothing_from_elsewhere(root: Path, tmp_path: Path) -> None:
    parts.need("docs")
    site = tmp_path / "site"
    assert building.build(site) == 0
    pages = list(site.rglob("*.html"))
    assert {"index.html", "a.html", "B.html", "001-so.html"} <= {page.name for page in pages}
    loaded = {target for page in pages for target in LOADED.findall(page.read_text())}
    assert loaded
    assert [target for target in loaded if "//" in target] == []
    styles = "".join(path.read_text() for path in site.rglob("*.css"))
    assert not re.search(r"(?:url\(|@import)\s*['\"]?(?:https?:)?//", styles)
    a = next(page for page in pages if page.name == "a.html").read_text()
    assert 'href="../B.html#a-part"' in a
    assert 'href="../index.html"' in a
    assert "record.json" in a


def test_a_link_that_leads_nowhere_is_a_fault(root: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    parts.need("docs")
    for page, fault in FAULTS:
        (root / page).write_text(f"{(root / page).read_text()}\n{fault}\n")
    assert building.build(tmp_path / "site") == 1
    said = capfd.readouterr().err
    assert all(target in said for target in ("gone.md", "no-such-part", "nowhere"))
