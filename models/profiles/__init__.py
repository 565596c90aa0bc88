"""Profiles: which streams, how they are fused and smoothed. Data, not code."""
