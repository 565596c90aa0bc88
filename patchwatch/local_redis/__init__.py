"""A Redis server of our own: the embedded queue that persists in ``DATA_DIR``, and throw-away ones for tests."""
