"""The projection of points of the rendered square into the picture."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class View:
    """A level pinhole camera on a mast, its sensor shifted down so that walls stay upright.

    World: metres, x to the right, z away from the camera, height above the ground. Picture: pixels, y down.
    """

    width: int = 640
    height: int = 360
    focal_px: float = 420.0
    horizon_px: float = 95.0
    mast_m: float = 5.0

    def scale(self, z: float) -> float:
        """Pixels per metre at distance ``z``."""
        return self.focal_px / z

    def project(self, x: float, z: float, height: float = 0.0) -> tuple[float, float]:
        scale = self.scale(z)
        return self.width / 2 + x * scale, self.horizon_px + (self.mast_m - height) * scale

    def half_width_m(self, z: float) -> float:
        """Half the visible width at distance ``z``."""
        return self.width / 2 / self.scale(z)

    def times(self, factor: int) -> View:
        """The same view with ``factor`` times the pixels, for supersampling."""
        return View(
            self.width * factor, self.height * factor, self.focal_px * factor, self.horizon_px * factor, self.mast_m
        )
