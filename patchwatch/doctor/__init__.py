"""The checks of `patchwatch doctor`, one noun per file. Checks only read."""
