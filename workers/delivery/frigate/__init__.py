"""Frigate: alerts become events there, which begin and end with them."""
