"""A bank learnt from a small stream of its own kind."""

from __future__ import annotations

import numpy as np
import pytest
from plain_stream import PICTURE, PlainStream, features_at

from models.banks.bank import Bank
from models.banks.bank_builder import BankBuilder
from models.profiles.profile import Fusion, Profile, StreamKind, StreamSpec


@pytest.fixture
def profile() -> Profile:
    streams = (StreamSpec("local", StreamKind.LOCAL, 0.7), StreamSpec("global", StreamKind.GLOBAL, 0.3))
    return Profile("small", Fusion.CALIBRATED, streams)


@pytest.fixture
def builder(profile: Profile) -> BankBuilder:
    identity = {"networks": {"backbone": "plain", "random_weights": False}, "preprocessing": {"local": {"plain": True}}}
    return BankBuilder(profile, [PlainStream("local"), PlainStream("global")], identity)


@pytest.fixture
def bank(builder: BankBuilder) -> Bank:
    """Learnt from 100 s at 5 fps; every third frame shows no person."""
    noise = np.random.default_rng(11)
    for n in range(500):
        persons = () if n % 3 == 0 else (0.0, 1.0)
        builder.add(n / 5, (features_at(*persons, noise=noise), features_at(5.0, noise=noise)), PICTURE)
    return builder.build(["normal.mp4"])
