"""A frame with the regions that streams looked at."""

from __future__ import annotations

from patchwatch.evaluation.html.element import Markup, element
from patchwatch.evaluation.report.clip_result import RelativeBox


def picture(jpeg: str, *boxes: RelativeBox | None) -> Markup:
    """``jpeg``: base64, or empty for none. The first box is drawn in full, others dashed."""
    shown = [box for box in boxes if box is not None]
    rects = [
        element("rect", x=x1, y=y1, width=x2 - x1, height=y2 - y1, class_="other" if number else None)
        for number, (x1, y1, x2, y2) in enumerate(shown)
    ]
    regions = element("svg", *rects, viewBox="0 0 1 1", preserveAspectRatio="none") if rects else None
    image = element("img", src=f"data:image/jpeg;base64,{jpeg}", alt="") if jpeg else None
    return element("div", image, regions, class_="picture")
