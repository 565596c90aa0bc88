"""What runs on a public forge and before commits is what `make` runs, on every Python that the package promises."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
MAKEFILE = (ROOT / "Makefile").read_text()


@pytest.fixture(scope="module")
def jobs() -> dict[str, Any]:
    workflow: dict[str, Any] = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
    known: dict[str, Any] = workflow["jobs"]
    return known


def test_tests_and_wheel_run_on_every_python_that_is_promised(jobs: dict[str, Any]) -> None:
    classifiers = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["classifiers"]
    promised = [text.rpartition(" ")[2] for text in classifiers if re.search(r":: 3\.\d+$", text)]
    assert promised
    for name in ("test", "package"):
        assert jobs[name]["strategy"]["matrix"]["python"] == promised


def test_every_target_that_runs_there_exists(jobs: dict[str, Any]) -> None:
    commands = [step.get("run", "") for job in jobs.values() for step in job["steps"]]
    named = set(re.findall(r"\bmake ([a-z]+)", "\n".join(commands)))
    assert {"lint", "test", "coverage", "package"} <= named - {"python"}
    assert named - {"python"} <= set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))


def test_hooks_run_what_make_lint_runs() -> None:
    [local] = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    hooks = {hook["entry"].removeprefix(".venv/bin/").split(" --")[0] for hook in local["hooks"]}
    [recipe] = re.findall(r"^lint:.*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)
    linted = {re.sub(r" (\.|--\S+)", "", line) for line in re.findall(r"\$\(BIN\)/(.+)", recipe)}
    assert hooks == linted


def test_types_are_checked_for_the_python_that_runs() -> None:
    """The stubs of a newer numpy are for newer Pythons: as 3.11 they fail where `make lint` runs on 3.12."""
    assert "python_version" not in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]
