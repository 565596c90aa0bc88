"""A camera as it is configured, and what its workers say of it."""
