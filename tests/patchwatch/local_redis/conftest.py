"""Settings with a data folder of their own, and a choice of the server's program."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from patchwatch.contract.settings import Settings
from patchwatch.local_redis import kept_server
from patchwatch.local_redis.server_program import programs


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", queue_memory_mb=64)


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Leaves the programs whose path holds a word."""

    def choose(word: str) -> None:
        chosen = [program for program in programs() if word in str(program.path)]
        if not chosen:
            pytest.skip(f"no server under {word} here")
        monkeypatch.setattr(kept_server, "programs", lambda: iter(chosen))

    return choose
