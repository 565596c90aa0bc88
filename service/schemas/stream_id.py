"""Ids of the entries of Redis' streams as clients send them back: what Redis would refuse is refused before."""

from __future__ import annotations

ENTRY_ID = r"[0-9]{1,19}-[0-9]{1,19}"  # ASCII: \d takes the digits of all scripts; 19 digits fit into 64 bits
