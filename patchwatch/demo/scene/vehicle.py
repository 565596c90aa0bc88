"""A delivery van, which does not belong on the square."""

from __future__ import annotations

from patchwatch.demo.scene.sprite import Canvas, Colour, Sprite
from patchwatch.demo.scene.view import View

LENGTH_M = 4.6
_HEIGHT_M, _WHEEL_M = 1.95, 0.34
_BODY: Colour = (226, 228, 230)
_SHADE: Colour = (186, 190, 196)
_STRIPE: Colour = (196, 84, 40)
_GLASS: Colour = (54, 70, 84)


def vehicle(view: View, x: float, z: float, direction: int) -> Sprite:
    """Draw the van with its middle at (x, z), heading to the right (+1) or left (-1)."""
    scale = view.scale(z)
    foot = view.project(x, z)
    half = LENGTH_M / 2

    def at(forward: float, up: float) -> tuple[float, float]:
        return foot[0] + forward * direction * scale, foot[1] - up * scale

    canvas = Canvas(
        foot[0] - (half + 0.3) * scale, foot[1] - (_HEIGHT_M + 0.3) * scale,
        foot[0] + (half + 0.3) * scale, foot[1] + 0.4 * scale,
    )  # fmt: skip
    canvas.polygon(
        [at(-half, 0.3), at(half - 0.05, 0.3), at(half, 0.85), at(half - 0.55, 1.1), at(half - 1.25, 1.86),
         at(half - 1.6, _HEIGHT_M), at(-half + 0.1, _HEIGHT_M), at(-half, 1.8)],
        _BODY,
    )  # fmt: skip
    canvas.polygon([at(-half, 0.3), at(half - 0.05, 0.3), at(half, 0.7), at(-half, 0.62)], _SHADE)
    canvas.polygon([at(-half, 0.95), at(half - 1.5, 0.95), at(half - 1.5, 1.12), at(-half, 1.12)], _STRIPE)
    canvas.polygon([at(half - 0.62, 1.12), at(half - 1.2, 1.76), at(half - 1.75, 1.76), at(half - 1.75, 1.12)], _GLASS)
    canvas.limb([at(half - 1.86, 0.42), at(half - 1.86, 1.8)], 0.03 * scale, _SHADE)
    canvas.disc(at(half - 0.1, 0.74), 0.1 * scale, (250, 238, 190))
    canvas.disc(at(-half + 0.06, 0.8), 0.09 * scale, (190, 40, 36))
    for axle in (half - 0.85, -half + 0.9):
        canvas.disc(at(axle, _WHEEL_M), _WHEEL_M * 1.12 * scale, (40, 42, 46))
        canvas.disc(at(axle, _WHEEL_M), _WHEEL_M * scale, (24, 24, 26))
        canvas.disc(at(axle, _WHEEL_M), _WHEEL_M * 0.5 * scale, (150, 154, 158))
    return canvas.sprite(foot[1])
