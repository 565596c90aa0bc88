"""Tampering: conditions of a camera's picture as a whole, as opposed to anomalies of the scene in it."""
