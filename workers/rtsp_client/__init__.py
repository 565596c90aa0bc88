"""The connection to a pulled camera: address check, TLS, sign-in, and the relay to FFmpeg."""
