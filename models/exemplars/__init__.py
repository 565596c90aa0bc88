"""Exemplars of normal: how they are chosen, and where in the footage each was seen."""
