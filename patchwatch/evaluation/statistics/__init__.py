"""Areas under curves, their intervals, and the smoothing that papers use. Arrays in, numbers out."""
