"""A process that decodes one video after another, as the capture does; the other side ends it when it hangs.

``python doubtful_videos.py`` reads paths from standard input and answers each with one line.
"""

from __future__ import annotations

import sys
from pathlib import Path

from patchwatch.contract.errors import SourceRejectedError, SourceUnavailableError
from workers.media.container import VideoOptions
from workers.media.video import Video

OPTIONS = VideoOptions(analysis_fps=25.0, max_side_px=160, max_picture_px=4_000_000, timeout_s=2.0)


def decoded(path: Path) -> str:
    """A refusal by its reason, or that pictures came."""
    try:
        with Video.open(path, options=OPTIONS) as video:
            count = sum(1 for _ in video.frames())
            return f"{'pictures' if count else 'no picture'}{', some damaged' if video.decode_errors else ''}"
    except (SourceRejectedError, SourceUnavailableError) as error:
        return f"refused: {error.reason}"


if __name__ == "__main__":
    for line in sys.stdin:
        print(decoded(Path(line.rstrip("\n"))), flush=True)
