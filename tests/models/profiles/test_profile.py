"""A profile of one's own is checked when it is read, not when it has crashed a worker."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.engine.engine import Engine
from models.profiles.profile import load_profile
from patchwatch.contract.errors import ConfigurationError

ENTRY = """
[mine]
{table}
[[mine.streams]]
name = "{name}"
kind = "motion"
weight = 1.0
{stream}
"""


def written(path: Path, table: str = "", name: str = "motion", stream: str = "") -> Path:
    path.write_text(ENTRY.format(table=table, name=name, stream=stream))
    return path


def test_a_profile_of_ones_own_is_found_beside_the_shipped_ones(tmp_path: Path) -> None:
    own = written(tmp_path / "own.toml", stream="exemplars = 7")
    assert Engine(load_profile("mine", own)).profile.streams[0].options == {"exemplars": 7}
    assert load_profile("motion", own).name == "motion"


@pytest.mark.parametrize("name", ["a,b", "", "fused", "flow", "Motion"])
def test_a_name_that_scores_or_banks_cannot_hold_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match="no name for a stream"):
        load_profile("mine", written(tmp_path / "own.toml", name=name))


@pytest.mark.parametrize("stream", ["stride = 0", "ratio = 0.0", "ratio = 2.0", "cap = 0"])
def test_a_number_that_nothing_can_be_learnt_with_is_refused(tmp_path: Path, stream: str) -> None:
    with pytest.raises(ConfigurationError, match="weight from 0, stride and cap from 1"):
        load_profile("mine", written(tmp_path / "own.toml", stream=stream))


def test_a_profile_without_seeds_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no seed"):
        load_profile("mine", written(tmp_path / "own.toml", table="seeds = []"))


@pytest.mark.parametrize("stream", ["exemplars = 0", 'exemplars = "many"', "colour = 3"])
def test_an_option_that_motion_cannot_use_is_refused_by_its_name(tmp_path: Path, stream: str) -> None:
    with pytest.raises(ConfigurationError, match=stream.split()[0]):
        Engine(load_profile("mine", written(tmp_path / "own.toml", stream=stream)))
