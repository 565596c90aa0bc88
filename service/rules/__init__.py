"""What a request may name: sources, webhook addresses, intervals."""
