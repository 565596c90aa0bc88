"""The quarter of an hour on a GPU: what is carried there is complete, and all steps fit into nine minutes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from bench.gpu_pack import NEEDED, pins

SCRIPT = (Path(__file__).parents[2] / "bench" / "gpu.sh").read_text()


@pytest.mark.parametrize("python", ["3.11", "3.12"])
def test_every_package_that_is_needed_is_pinned_once(python: str) -> None:
    names = [Requirement(pin).name for pin in pins(python)]
    assert sorted(names) == sorted(NEEDED)


def test_all_steps_take_at_most_nine_minutes_and_each_exists() -> None:
    steps = re.findall(r"^step (\d+) (\w+)$", SCRIPT, re.MULTILINE)
    assert len(steps) >= 8
    assert sum(int(limit) for limit, _ in steps) <= 9 * 60
    for _, name in steps:
        assert re.search(rf"^{name}\(\) ", SCRIPT, re.MULTILINE), name
