"""A camera's capture process: reads one source and publishes its frames."""
