"""``python -m website FOLDER``: write the site into a folder; ends with 1 where a page has a fault."""

from __future__ import annotations

import sys
from pathlib import Path

from website.build import build

if __name__ == "__main__":
    sys.exit(build(Path(sys.argv[1])))
