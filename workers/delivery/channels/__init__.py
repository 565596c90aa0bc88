"""Channels: incidents told of to people, each once."""
