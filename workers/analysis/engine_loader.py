"""Engines as the settings ask for them. Imports no decoder."""

from __future__ import annotations

from models.engine.engine import Engine, NetworkOptions
from models.profiles.profile import load_profile
from patchwatch.contract.settings import Settings


def load_engine(settings: Settings, profile: str) -> Engine:
    """The engine of a named profile with these settings. Raises `ConfigurationError`, `WeightsMissingError`."""
    return Engine.load(
        load_profile(profile, settings.profiles_file),
        NetworkOptions(
            weights_dir=settings.weights_dir,
            clip_weights=settings.clip_weights,
            detector_weights=settings.detector_weights,
            device=settings.device,
            threads=settings.threads,
            random_clip=settings.random_clip_weights,
            cuda_fused=settings.cuda_fused,
            still_tolerance=settings.still_tolerance,
        ),
    )
