"""Stage the pages, and have Sphinx make HTML of them. A warning is a fault."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from website.made_pages import MADE
from website.staging import stage

_SETTINGS = Path(__file__).parent


def build(into: Path) -> int:
    """Write the site into a folder; returns 0, or 1 where a page has a fault, such as a link that leads nowhere."""
    with tempfile.TemporaryDirectory() as folder:
        pages, trees = Path(folder) / "pages", Path(folder) / "trees"
        stage(pages, MADE)
        orders = ["-q", "-W", "--keep-going", "-n", "-b", "html", "-c", str(_SETTINGS), "-d", str(trees)]
        # in a process of its own: it has one log and one set of roles for all that a process builds
        return subprocess.run([sys.executable, "-m", "sphinx", *orders, str(pages), str(into)], check=False).returncode
