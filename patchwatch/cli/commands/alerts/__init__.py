"""Commands about alerts, and where they go."""
