"""README.md and the pages beside it tell the truth about settings, commands, profiles and files."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer

from bench.table import table as figures
from patchwatch.cli.app import COMMANDS, app
from patchwatch.cli.commands.settings import table
from patchwatch.contract.settings import Settings, known_variables

ROOT = Path(__file__).parents[1]
PAGES = ("docs/settings.md", "docs/figures.md", "docs/evaluation.md")
README = (ROOT / "README.md").read_text()
TEXTS = "\n".join([README, *((ROOT / page).read_text() for page in PAGES)])


def test_the_table_of_settings_is_up_to_date() -> None:
    assert table() in (ROOT / "docs" / "settings.md").read_text(), "run `make docs`"


def test_the_table_of_figures_is_that_of_the_records() -> None:
    assert figures() in (ROOT / "docs" / "figures.md").read_text(), "run `python -m bench.table`"


def test_every_setting_says_what_it_is() -> None:
    assert all(field.description for field in Settings.model_fields.values())


def test_every_named_setting_exists() -> None:
    assert set(re.findall(r"\bPATCHWATCH_[A-Z_]+\b", TEXTS)) <= known_variables()


def test_the_example_of_a_settings_file_holds_settings() -> None:
    [example] = re.findall(
        r"^```toml\n(.*?)^```", (ROOT / "docs" / "settings.md").read_text(), re.MULTILINE | re.DOTALL
    )
    assert Settings(**tomllib.loads(example)).port == 8090


def test_every_named_command_exists_and_is_no_former_name() -> None:
    root: Any = typer.main.get_command(app)
    for noun, verb in set(re.findall(r"(?:`|^)patchwatch ([a-z]+)(?: ([a-z-]+))?", TEXTS, re.MULTILINE)):
        assert noun in COMMANDS
        group = root.get_command(None, noun)
        if verb and not verb.startswith("-") and hasattr(group, "list_commands"):
            command = group.get_command(None, verb)
            assert command is not None, f"{noun} {verb}"
            assert not command.hidden, f"{noun} {verb}"


def test_every_profile_is_named() -> None:
    profiles = tomllib.loads((ROOT / "models" / "profiles" / "profiles.toml").read_text())
    assert all(f"`{name}`" in README for name in profiles)


@pytest.mark.parametrize("document", ["README.md", "CHANGELOG.md", "deploy/README.md", *PAGES])
def test_links_lead_somewhere(document: str) -> None:
    path = ROOT / document
    targets = [t for t in re.findall(r"\]\(([^)#]+)\)", path.read_text()) if "://" not in t]
    assert all((path.parent / target).exists() for target in targets)


def test_every_make_target_it_names_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`?make ([a-z]+)\b", TEXTS)) <= targets


def test_the_measured_figures_are_those_of_the_record() -> None:
    """Of each scene and profile, by the table: micro AUROC, and events found at one false alarm an hour."""
    record = json.loads((ROOT / "bench" / "results" / "suite.json").read_text())
    stated = re.findall(r"(\d\.\d{3}), (\d+) of (\d+)", README)
    measured = [
        (f"{figures['micro AUROC']:.3f}", figures["event recall at 1 per hour"])
        for profile in record["profiles"]
        for scene in profile["scenes"]
        if (figures := {figure["name"]: figure["value"] for figure in scene["figures"]})["micro AUROC"] is not None
    ]
    shares = [(area, int(found) / int(events)) for area, found, events in stated]
    assert sorted(shares) == sorted(measured)
