"""What live and offline analysis share: recordings, explanations, thresholds as messages."""
