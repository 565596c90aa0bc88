"""Routes about one camera."""
