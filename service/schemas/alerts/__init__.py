"""Alerts, verdicts and webhooks, as REST shows them."""
