"""Frames on their way, their scores, and the camera's own time."""
