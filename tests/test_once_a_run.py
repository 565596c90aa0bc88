"""What one process of a run has made, all find; what could not be made is made by the next."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from once_a_run import once_a_run

ASK = """
import os, sys
from pathlib import Path
import once_a_run
once_a_run._Run.folder = Path(sys.argv[1])
print(once_a_run.once_a_run("asked", lambda path: path.write_text(str(os.getpid()))).read_text())
"""


def test_processes_that_ask_at_once_get_the_same(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent / "support")}
    asking = [
        subprocess.Popen([sys.executable, "-c", ASK, str(tmp_path)], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    [made_by] = {process.communicate()[0].strip() for process in asking}
    assert int(made_by) in {process.pid for process in asking}


def test_what_could_not_be_made_is_made_by_the_next(tmp_path: Path) -> None:
    def fail(path: Path) -> None:
        path.write_text("half")
        raise OSError("no room")

    name = f"{tmp_path.name}-text"
    with pytest.raises(OSError, match="no room"):
        once_a_run(name, fail)
    assert once_a_run(name, lambda path: path.write_text("whole")).read_text() == "whole"
