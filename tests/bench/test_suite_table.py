"""The record of the suite as a table."""

from __future__ import annotations

import json
from pathlib import Path

from sample_suite import clip, noisy_clips, scene, suite

from bench.suite import joined, kept
from bench.suite_table import suite_table
from patchwatch.evaluation.suite.scene_result import SceneResult
from patchwatch.evaluation.suite.suite_file import Role

FIGURES = Path(__file__).parents[2] / "docs" / "figures.md"


def test_every_scene_has_a_row_worst_first_and_so_has_every_mean(tmp_path: Path) -> None:
    dark = SceneResult("dark", Role.HELD_OUT, failed="too little footage")
    scenes = (scene("good", noisy_clips(6, 3.0), Role.DESIGN), scene("calm", [clip("1", normal=(0.1,))]), dark)
    path = tmp_path / "suite.json"
    assert suite_table(path) == ""
    path.write_text(json.dumps(suite(*scenes).as_json()))
    head, _, *rows = ([cell.strip() for cell in line.split("|")[1:-1]] for line in suite_table(path).splitlines())
    assert [row[1] for row in rows] == [
        "dark (held-out)", "good (design)", "calm (held-out)",
        "**mean of 1 held-out scene**", "**mean of 1 design scene**", "**mean of 2 scenes**",
    ]  # fmt: skip
    assert {len(row) for row in (head, *rows)} == {len(head)}
    assert rows[0][2] == "not measured: too little footage"
    assert rows[1][2].startswith("0.9")
    assert rows[2][2:] == ["-", "-", "-", "0 %", "-", "-", "0.0"]


def test_profiles_that_were_not_measured_again_stay_with_their_commit(tmp_path: Path) -> None:
    path, tree = tmp_path / "suite.json", suite(scene("good", noisy_clips(6, 3.0))).as_json()
    name = tree["profiles"][0]["profile"]
    path.write_text(json.dumps(tree | {"commit": "older"}))
    assert "Measured by" not in suite_table(path)
    assert kept(path, but=[name])["profiles"] == []
    other = {"commit": "newer", "profiles": [tree["profiles"][0] | {"profile": "other"}]}
    path.write_text(json.dumps(joined(kept(path, but=["other"]), tree | other)))
    assert suite_table(path).endswith(f"\nMeasured by commits: `{name}` older, `other` newer.\n")
    assert [len(kept(path, but=[one])["profiles"]) for one in (name, "third")] == [1, 2]
    assert kept(path, but=["third"])["profiles"][0]["commit"] == "older"


def test_the_page_shows_the_record_that_is_committed() -> None:
    assert suite_table() in FIGURES.read_text(), "run `python -m bench.table`"
