"""Alerts and scores pushed to clients as they come."""
