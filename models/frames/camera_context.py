"""What the streams remember of one camera from frame to frame."""

from __future__ import annotations

from dataclasses import dataclass, field

HISTORY_S = 2.0  # detections of a still frame are reused for up to 1 s, and streams look back 0.6 s from there


@dataclass
class CameraContext:
    """Plain values, keyed by stream name; reserved keys (``flow``, ...) are not valid stream names.

    After a restart it is rebuilt from the last few frames, so it may depend on at most `HISTORY_S` seconds of them.
    """

    memory: dict[str, object] = field(default_factory=dict)
