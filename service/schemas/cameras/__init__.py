"""Cameras and what is known of each, as REST shows them."""
