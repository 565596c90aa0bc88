"""What records in Redis mean to a user: health with its reason, status, pictures, metrics."""
