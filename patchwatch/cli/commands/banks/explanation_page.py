"""An explanation as one self-contained HTML file."""

from __future__ import annotations

from base64 import b64encode
from html import escape

from patchwatch.messages.explanation import Explanation, NearestNormal, StreamExplanation

_COLOURS = ("#e0402f", "#1f77b4", "#2a9d5c", "#b8860b", "#7b4fb5", "#0f8b8d")
_STYLE = """\
body { font: 15px/1.45 system-ui, sans-serif; margin: 1.5rem auto; max-width: 64rem; padding: 0 1rem; color: #16262a; }
h1 { font-size: 1.2rem; } h2 { font-size: 1rem; margin: 1.2rem 0 .3rem; }
svg.frame { width: 100%; max-width: 48rem; height: auto; border-radius: 6px; }
.bar { height: .7rem; border-radius: .35rem; background: #e4eaea; max-width: 48rem; }
.bar > div { height: 100%; border-radius: .35rem; }
.nearest { display: flex; flex-wrap: wrap; gap: .8rem; margin: .6rem 0; }
figure { margin: 0; width: 12rem; } figure svg, .none { width: 100%; height: auto; border-radius: 4px; }
.none { display: grid; place-items: center; aspect-ratio: 16 / 9; background: #e4eaea; }
figcaption, .facts { color: #5b6c70; font-size: .85rem; } .warning { color: #c22f2f; }
"""


def page(explanation: Explanation, jpeg: bytes, threshold: float | None = None) -> str:
    """HTML with the frame, each stream's share and region, and the nearest normal. ``jpeg``: the frame's picture."""
    streams = sorted(
        zip(explanation.streams, _colours(explanation), strict=True), key=lambda pair: -pair[0].contribution
    )
    at = f"{explanation.at_ms / 1000:.1f} s"
    alerts = "" if threshold is None else f" (alerts above {threshold:.3f})"
    warning = '<p class="warning">RANDOM CLIP weights: it means nothing.</p>' if explanation.random_weights else ""
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{escape(explanation.camera_id)} at {at}</title><style>{_STYLE}</style>
<h1>{escape(explanation.camera_id)} at {at}: score {explanation.score:.3f}{alerts}</h1>
<p class="facts">profile {escape(explanation.profile)}, bank {escape(explanation.bank_id)}</p>{warning}
{_frame(explanation, jpeg)}
<p class="facts">A box marks what a stream found most unusual. Motion is measured over the last half second, so its box
trails what moves fast.</p>
{"".join(_stream(stream, colour, explanation.height / explanation.width) for stream, colour in streams)}
</html>
"""


def _colours(explanation: Explanation) -> list[str]:
    return [_COLOURS[n % len(_COLOURS)] for n in range(len(explanation.streams))]


def _frame(explanation: Explanation, jpeg: bytes) -> str:
    width, height = explanation.width, explanation.height
    boxes = "".join(
        f'<rect x="{box.x1}" y="{box.y1}" width="{box.x2 - box.x1}" height="{box.y2 - box.y1}" '
        f'fill="none" stroke="{colour}" stroke-width="{max(2, width // 240)}">'
        f"<title>{escape(stream.name)}</title></rect>"
        for stream, colour in zip(explanation.streams, _colours(explanation), strict=True)
        if (box := stream.region) is not None
    )
    image = (
        f'<image width="{width}" height="{height}" preserveAspectRatio="none" href="{_url(b64encode(jpeg).decode())}"/>'
    )
    return f'<svg class="frame" viewBox="0 0 {width} {height}">{image}{boxes}</svg>'


def _stream(stream: StreamExplanation, colour: str, aspect: float) -> str:
    if stream.rarity is None or stream.distance is None:
        return f'<h2>{escape(stream.name)}</h2><p class="facts">saw nothing that it judges in this frame</p>'
    share = stream.contribution * 100
    figures = "".join(_figure(normal, colour, round(100 * aspect, 2)) for normal in stream.nearest)
    return f"""<h2>{escape(stream.name)}: {share:.0f} %</h2>
<div class="bar"><div style="width: {share:.1f}%; background: {colour}"></div></div>
<p class="facts">rarity {stream.rarity:.2f}, distance {stream.distance:.3f}, weight {stream.weight:g}.
Nearest normal to its region:</p><div class="nearest">{figures}</div>
"""


def _figure(nearest: NearestNormal, colour: str, height: float) -> str:
    """``height`` of the picture in units of which its width has 100."""
    picture = '<div class="none">no thumbnail kept</div>'
    if nearest.thumbnail is not None:
        box = nearest.region
        picture = (
            f'<svg viewBox="0 0 100 {height}"><image width="100" height="{height}" preserveAspectRatio="none" '
            f'href="{_url(nearest.thumbnail)}"/><rect x="{box.x1 * 100:.1f}" y="{box.y1 * height:.1f}" '
            f'width="{(box.x2 - box.x1) * 100:.1f}" height="{(box.y2 - box.y1) * height:.1f}" fill="none" '
            f'stroke="{colour}"/></svg>'
        )
    caption = f"{nearest.distance:.3f} from {escape(nearest.source)} at {nearest.time_s:.1f} s"
    return f"<figure>{picture}<figcaption>{caption}</figcaption></figure>"


def _url(jpeg_base64: str) -> str:
    return f"data:image/jpeg;base64,{jpeg_base64}"
