"""Pages for contributors name files, Redis keys, settings and targets that exist; the index lists every decision."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from key_kinds import kinds_of

from patchwatch.bus import keys
from patchwatch.contract.settings import known_variables

ROOT = Path(__file__).parents[1]
DECISIONS = ROOT / "docs" / "decisions"
NOTES = sorted(DECISIONS.glob("[0-9][0-9][0-9]-*.md"))
MAPS = [ROOT / "docs" / "architecture.md", ROOT / "docs" / "glossary.md", ROOT / "CONTRIBUTING.md"]
GUIDES = sorted([*(ROOT / "docs" / "guides").glob("*.md"), *(ROOT / "docs" / "reference").glob("*.md")])
PAGES = [
    *MAPS,
    *GUIDES,
    ROOT / "docs" / "style.md",
    ROOT / "SECURITY.md",
    ROOT / "README.md",
    DECISIONS / "README.md",
    *NOTES,
]
LINKING = sorted({*PAGES, ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "deploy").rglob("*.md")})
FOLDERS = ("patchwatch", "models", "workers", "service", "tests", "bench", "deploy", "docs")
MADE_LATER = ("docker-compose.override.yml", "/etc/")  # by the reader
# What stands in the pages' keys for the parameters of `patchwatch.bus.keys`.
PLACEHOLDERS = {
    "camera_id": "CAMERA", "partition": 7, "partitions": 16, "webhook_id": "WEBHOOK", "channel_id": "CHANNEL",
    "enrolment_id": "ENROLMENT",
    "alert_id": "ALERT", "token": "TOKEN", "role": "ROLE", "worker_id": "WORKER",
}  # fmt: skip


def _quoted(page: Path) -> Iterator[str]:
    """What stands in backquotes outside of code blocks."""
    prose = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    yield from re.findall(r"`([^`\n]+)`", prose)


def _name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def _files_in(page: Path) -> set[str]:
    below = re.compile(rf"(?:{'|'.join(FOLDERS)})/[A-Za-z0-9_./-]*")
    by_ending = re.compile(r"[A-Za-z0-9_.-]+\.(?:py|toml|yml|md)")
    names = {text for text in _quoted(page) if below.fullmatch(text) or by_ending.fullmatch(text)}
    return {name for name in names if not name.startswith(MADE_LATER)}


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_file_that_is_named_exists(page: Path) -> None:
    missing = [name for name in sorted(_files_in(page)) if not _is_there(name)]
    assert not missing


def _is_there(name: str) -> bool:
    return (ROOT / name).exists() or ("/" not in name and any((ROOT / room).rglob(name) for room in FOLDERS))


@pytest.mark.parametrize("page", LINKING, ids=_name)
def test_links_lead_somewhere(page: Path) -> None:
    targets = [
        target.partition("#") for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()) if "://" not in target
    ]
    for path, _, anchor in targets:
        target = page.parent / path if path else page
        assert target.exists(), path
        assert not anchor or anchor in _anchors(target), f"{path}#{anchor}"


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^a-z0-9 _-]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _keys() -> set[str]:
    return {re.sub(r"\{\d+\}", "{N}", key) for key in kinds_of(keys, PLACEHOLDERS)}


def _keys_in(page: Path) -> set[str]:
    return {text for text in _quoted(page) if text.startswith("pw:")}


@pytest.mark.parametrize("page", MAPS, ids=_name)
def test_every_redis_key_that_is_named_exists(page: Path) -> None:
    assert _keys_in(page) <= _keys()


def test_the_table_of_redis_keys_is_whole() -> None:
    assert _keys_in(ROOT / "docs" / "architecture.md") == _keys()


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_setting_that_is_named_exists(page: Path) -> None:
    named = set(re.findall(r"\bPATCHWATCH_[A-Z_]+[A-Z]\b", page.read_text())) - {
        "PATCHWATCH_REQUIRE",
        "PATCHWATCH_WEBHOOK",
    }
    assert named <= known_variables()


def test_every_make_target_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {text.split()[1] for page in PAGES for text in _quoted(page) if re.match(r"make [a-z]", text)}
    assert named <= targets


def test_the_architecture_names_every_room() -> None:
    packages = (
        path.parent
        for room in ("patchwatch", "models", "workers", "service")
        for path in (ROOT / room).rglob("__init__.py")
    )
    rooms = {folder.relative_to(ROOT).as_posix() + "/" for folder in packages if folder.parent != ROOT}
    named = _files_in(ROOT / "docs" / "architecture.md")
    hidden = {
        room
        for room in rooms - named
        if not any(room.startswith(other) for other in named - {"patchwatch/", "models/"})
    }
    assert not hidden


def test_the_index_lists_every_decision_with_its_date_and_status() -> None:
    rows = re.findall(
        r"^\| (\d{3}) \| \[.+\]\((\S+)\) \| (\d{4}-\d\d-\d\d) \| (\w.*) \|$",
        (DECISIONS / "README.md").read_text(),
        re.MULTILINE,
    )
    assert [file for _, file, _, _ in rows] == [note.name for note in NOTES]
    assert all(file.startswith(f"{number}-") for number, file, _, _ in rows)


def test_the_index_accounts_for_every_number() -> None:
    numbers = re.findall(r"^\| (\d{3}) \|", (DECISIONS / "README.md").read_text(), re.MULTILINE)
    assert numbers == [f"{number:03}" for number in range(1, len(numbers) + 1)]


@pytest.mark.parametrize("note", NOTES, ids=_name)
def test_a_decision_begins_with_its_number(note: Path) -> None:
    assert note.read_text().startswith(f"# {note.name[:3]}: ")
