"""Patchwatch's contract: settings, messages, Redis keys, errors, and the command line."""

__version__ = "0.1.0"
