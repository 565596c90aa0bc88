"""Damage that a decoder mends by guessing and tells nobody but its log."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import av.logging

# FFmpeg's HEVC decoder invents a picture for each that is missing, and goes on without an error or a corrupt flag: all
# that follow are smeared until the next key frame.
_TELLS = {"hevc": ("Could not find ref with POC", "Error constructing the frame RPS")}
_logging = threading.Lock()  # FFmpeg has one level for the whole process


@contextmanager
def missing_references(codec: str) -> Iterator[list[str]]:
    """While decoding one packet: fills the list with what the decoder says of pictures that it needed and never got."""
    found: list[str] = []
    if codec not in _TELLS:
        yield found
        return
    with _logging:
        before = av.logging.get_level()
        av.logging.set_level(av.logging.ERROR)
        try:
            with av.logging.Capture() as lines:
                yield found
        finally:
            # Off at all other times: what FFmpeg logs of connections holds credentials.
            av.logging.set_level(before)
            found += [text for _, _, text in lines if text.startswith(_TELLS[codec])]
