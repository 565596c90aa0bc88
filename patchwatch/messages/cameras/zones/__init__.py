"""Zones of a camera, and what they hide."""
