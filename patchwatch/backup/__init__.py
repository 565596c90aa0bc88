"""One file with all that an installation knows, made while it runs, and an installation made of such a file."""
