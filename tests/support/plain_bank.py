"""A bank of plain streams, for tests that need any bank."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
from plain_stream import PICTURE, PlainStream, features_at

from models.banks.bank import Bank
from models.banks.bank_builder import BankBuilder
from models.profiles.profile import Fusion, Profile, StreamKind, StreamSpec

PROFILE = Profile(
    "small",
    Fusion.CALIBRATED,
    (StreamSpec("local", StreamKind.LOCAL, 0.7), StreamSpec("global", StreamKind.GLOBAL, 0.3)),
)
IDENTITY = {"networks": {"backbone": "plain", "random_weights": False}, "preprocessing": {"local": {"plain": True}}}


@cache
def plain_bank() -> Bank:
    """Learnt from 20 s at 5 fps."""
    learner = BankBuilder(PROFILE, [PlainStream("local"), PlainStream("global")], IDENTITY)
    noise = np.random.default_rng(11)
    for n in range(100):
        learner.add(n / 5, (features_at(0.0, 1.0, noise=noise), features_at(5.0, noise=noise)), PICTURE)
    return learner.build(["normal.mp4"])


GROUPED = Profile(
    "grouped",
    Fusion.CALIBRATED,
    (
        StreamSpec("local", StreamKind.LOCAL, 0.7, group="thing"),
        StreamSpec("global", StreamKind.GLOBAL, 0.3, group="place"),
        StreamSpec("velocity", StreamKind.VELOCITY, 0.6, group="thing"),
    ),
)


@cache
def grouped_bank() -> Bank:
    """Learnt from 60 s at 5 fps; its stream `velocity` is silent every third frame."""
    return _learnt(GROUPED)


@cache
def lasting_bank() -> Bank:
    """From the same, of a profile in which what lasts of `place` counts too."""
    local, place, velocity = GROUPED.streams
    return _learnt(replace(GROUPED, streams=(local, replace(place, lasting_s=1.0), velocity)))


@cache
def shared_bank() -> Bank:
    """From the same, but what lasts counts only in its tail, and shares a part of the budget with what passes."""
    local, place, velocity = lasting_bank().profile.streams
    shared = replace(place, lasting_in_tail=True, passing_share=0.2)
    return _learnt(replace(GROUPED, streams=(local, shared, velocity)))


def _learnt(profile: Profile) -> Bank:
    learner = BankBuilder(profile, [PlainStream(spec.name) for spec in profile.streams], IDENTITY)
    noise = np.random.default_rng(12)
    for n in range(300):
        speeds = features_at(*((2.0,) if n % 3 else ()), noise=noise)
        learner.add(n / 5, (features_at(0.0, noise=noise), features_at(5.0, noise=noise), speeds), PICTURE)
    return learner.build(["normal.mp4"])
