"""How a role's process is set up before anything else."""

from __future__ import annotations

import os

import pytest

from patchwatch.cli.commands import run


def test_threads_sleep_while_they_wait_unless_the_user_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    run._let_threads_sleep()
    assert os.environ["OMP_WAIT_POLICY"] == "ACTIVE"
    del os.environ["OMP_WAIT_POLICY"]
    run._let_threads_sleep()
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"
