"""What travels between processes: frozen, versioned, validated when read."""
