"""Corrections at work: what operators said becomes additions to the bank that a camera is scored with."""
