"""Redis: connections, every key, ids of stream entries, its clock, and a camera's account of frames."""
