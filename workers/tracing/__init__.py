"""Traces of single frames on their way from the camera to the commit, for a collector that speaks OpenTelemetry."""
