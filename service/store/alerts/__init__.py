"""Alerts, what operators say of them, and where they are sent, as Redis has them."""
