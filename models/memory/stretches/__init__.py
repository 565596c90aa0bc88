"""Stretches of remembered footage, and how they are stored."""
