"""Tries one source: ``python -m workers.ingest.capture.source_test``.

Reads a `CaptureOrder` (one line of JSON) from standard input, writes a `SourceTestAnswer` to standard output, and ends.
Whoever started it kills it when it takes too long.
"""

from __future__ import annotations

import base64
import os
import sys

from patchwatch.contract.errors import SourceRejectedError, SourceUnavailableError
from patchwatch.contract.redaction import redact
from patchwatch.messages.cameras.source_test import SourceTestAnswer
from workers.ingest.capture.memory_limit import limit_own_memory
from workers.ingest.capture.protocol import CaptureOrder
from workers.media import jpeg_codec
from workers.media.video import Video


def tried(order: CaptureOrder) -> SourceTestAnswer:
    """Open the source, and take its first picture. Raises only on bugs."""
    try:
        with Video.open(order.file() or order.url, options=order.video_options) as video:
            frame = next(iter(video.frames()), None)
            if frame is None:
                return SourceTestAnswer(works=False, text="it opens, but ends without a picture", codec=video.codec)
            jpeg = jpeg_codec.encode(frame.rgb, order.jpeg_quality)
            width, height = frame.source_width, frame.source_height
            return SourceTestAnswer(
                works=True, text=f"It works: {width}x{height}, {video.codec}.", codec=video.codec, width=width,
                height=height, picture=base64.b64encode(jpeg).decode(),
            )  # fmt: skip
    except (SourceRejectedError, SourceUnavailableError) as error:
        return SourceTestAnswer(works=False, text=redact(str(error)), reason=str(error.reason))
    except MemoryError:
        return SourceTestAnswer(works=False, text="its pictures are too large: choose a smaller stream of the camera")


def main() -> None:
    """Entry point of the process."""
    order = CaptureOrder.decode(sys.stdin.buffer.readline())
    limit_own_memory(order.memory_mb)
    sys.stdout.write(tried(order).encode().decode())
    sys.stdout.flush()
    os._exit(0)  # An ordinary exit may wait for a thread of FFmpeg.


if __name__ == "__main__":
    main()
