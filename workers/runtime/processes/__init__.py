"""Processes of the operating system: their trees, their use of memory, how they ended."""
