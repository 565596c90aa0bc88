"""The report on a camera, and the statistics in it."""
