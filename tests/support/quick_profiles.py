"""Profiles that are quick to learn, as PATCHWATCH_PROFILES_FILE holds them."""

from __future__ import annotations

QUICK = """
[quick]
seeds = [1]
[[quick.streams]]
name = "motion"
kind = "motion"
weight = 1.0
exemplars = 20
"""
SMALL_SCENE = """
[small]
seeds = [42]
smoothing_s = 0.45
streams = [
    { name = "place", kind = "place", weight = 1.0, group = "place", exemplars = 16 },
    { name = "motion", kind = "motion", weight = 1.0, group = "behaviour", exemplars = 20 },
]
"""  # as the profile `scene`
