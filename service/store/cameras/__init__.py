"""Cameras and what is known of each, as Redis has them."""
