"""The rows that a record becomes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sample_suite import clip, noisy_clips, scene, suite

from bench import table
from patchwatch.evaluation.suite.scene_result import SceneResult
from patchwatch.evaluation.suite.suite_file import Role


def test_a_suite_has_a_row_for_each_scene_worst_first_and_for_each_mean(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dark = SceneResult("dark", Role.HELD_OUT, failed="too little footage")
    scenes = (scene("good", noisy_clips(6, 3.0), Role.DESIGN), scene("calm", [clip("1", normal=(0.1,))]), dark)
    monkeypatch.setattr(table, "RESULTS", tmp_path)
    assert list(table.suite("suite")) == []
    (tmp_path / "suite.json").write_text(json.dumps(suite(*scenes).as_json()))
    rows = list(table.suite("suite"))
    assert [what for what, _, _ in rows] == [
        "`motion` on dark (held-out)", "`motion` on good (design)", "`motion` on calm (held-out)",
        "`motion`, mean of 1 held-out scene", "`motion`, mean of 1 design scene", "`motion`, mean of 2 scenes",
    ]  # fmt: skip
    assert rows[0][1] == "not measured: too little footage"
    assert rows[1][1].startswith("micro AUROC 0.9")
    assert "micro AUROC" not in rows[2][1]
    assert "normal frames above 99 % 0 %" in rows[2][1]
