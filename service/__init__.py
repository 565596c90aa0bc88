"""The REST and WebSocket service: reads Redis, computes nothing."""
