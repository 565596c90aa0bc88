"""Delivery: sends changes of alerts to webhooks, at least once and in order."""
