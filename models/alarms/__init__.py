"""From distances to alarms: calibration, thresholds, and events."""
