"""README.md and the pages beside it tell the truth about settings, commands, profiles and files."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

from bench.table import table as figures
from patchwatch.cli.app import COMMANDS
from patchwatch.cli.commands.settings import table
from patchwatch.contract.settings import Settings

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
    named = set(re.findall(r"\bPATCHWATCH_[A-Z_]+\b", TEXTS))
    assert named <= {f"PATCHWATCH_{name.upper()}" for name in Settings.model_fields}


def test_every_named_command_exists() -> None:
    assert set(re.findall(r"(?:`|^)patchwatch ([a-z]+)\b", TEXTS, re.MULTILINE)) <= set(COMMANDS)


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


def test_the_measured_figure_is_that_of_the_record() -> None:
    record = json.loads((ROOT / "bench" / "results" / "motion.json").read_text())
    service = record["ped2"]["5 fps"]["protocols"]["service"]
    assert f"**{service['micro_auroc']:.3f}** (macro {service['macro_auroc']:.3f})" in README
