"""The connection to a pulled camera: address check, TLS, authentication, and the relay to FFmpeg."""
