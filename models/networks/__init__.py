"""CLIP's trunk and the object detector: what a profile's networks say of frames and of what is in them."""
