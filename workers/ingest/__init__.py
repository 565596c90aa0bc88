"""Ingest: from a camera to frames in the queue. One process per camera; never imports torch."""
