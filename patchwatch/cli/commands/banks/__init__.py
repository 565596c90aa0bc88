"""``patchwatch banks``: the memory banks of cameras, on this machine's disk."""
