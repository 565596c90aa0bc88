"""Numbers of a state that was stored: what comes back must lie where such a number can lie, or the state is none.

A comparison with NaN is false, and one number out of bounds makes every later one wrong, so none is taken unchecked.
"""

from __future__ import annotations

import sys

import numpy as np

# What a document of another shape than expected raises where it is read.
UNREADABLE = (AttributeError, KeyError, OverflowError, TypeError, ValueError)
LATEST_S = 253_402_300_800.0  # the end of the year 9999, the last time that an alert can name


def stored_time(value: float) -> float:
    """A time on the frames' clock, in seconds. Raises `ValueError` or `TypeError` for what is none."""
    return _within(value, LATEST_S, "time")


def stored_share(value: float) -> float:
    """A score or a share, 0..1. Raises `ValueError` or `TypeError` for what is none."""
    return _within(value, 1.0, "share")


def stored_rarity(value: float) -> float:
    """A rarity, from 0 on. Raises `ValueError` or `TypeError` for what is none."""
    return _within(value, sys.float_info.max, "rarity")


def stored_distance(value: float) -> float:
    """A distance, from 0 on. Raises `ValueError` or `TypeError` for what is none."""
    return _within(value, float(np.finfo(np.float32).max), "distance")


def _within(value: float, most: float, noun: str) -> float:
    number = float(value)
    if not 0.0 <= number <= most:
        raise ValueError(f"a stored {noun} of {number}: out of bounds")
    return number
