"""The explanation of one frame as one HTML file."""

from __future__ import annotations

from base64 import b64encode
from itertools import cycle

from patchwatch.messages.alerts.explanation import Explanation
from patchwatch.pages.template_engine import render

_COLOURS = ("#e0402f", "#1f77b4", "#2a9d5c", "#b8860b", "#7b4fb5", "#0f8b8d")


def explanation_page(explanation: Explanation, jpeg: bytes, threshold: float | None = None) -> str:
    """The frame with each stream's region, its share of the score, and the nearest normal moments.

    ``jpeg``: the frame's picture. ``threshold``: the score above which alerts open, None when it is not known.
    """
    return render(
        "explanation/page.html",
        explanation=explanation,
        jpeg=b64encode(jpeg).decode(),
        threshold=threshold,
        coloured=tuple(zip(explanation.streams, cycle(_COLOURS), strict=False)),
        stroke_px=max(2, explanation.width // 240),
        thumbnail_height=round(100 * explanation.height / explanation.width, 2),
    )
