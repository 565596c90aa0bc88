"""Alerts, what explains them, what operators say of them, and where they are sent."""
