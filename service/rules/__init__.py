"""What a request may name: cameras, sources, webhook addresses, times."""
