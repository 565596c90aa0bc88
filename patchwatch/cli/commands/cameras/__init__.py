"""``patchwatch cameras``."""
