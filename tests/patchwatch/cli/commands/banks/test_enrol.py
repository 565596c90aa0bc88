"""``patchwatch banks enrol`` looks before it learns."""

from __future__ import annotations

from pathlib import Path

import pytest

from patchwatch.cli.commands.banks.enrol import check_folder
from patchwatch.contract.errors import ConfigurationError


def test_a_folder_that_takes_no_bank_is_refused_before_learning(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    for folder in (Path("/proc/nowhere/banks"), file / "banks"):
        with pytest.raises(ConfigurationError, match="correct PATCHWATCH_DATA_DIR"):
            check_folder(folder)
    check_folder(tmp_path / "new" / "banks")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
