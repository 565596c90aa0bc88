"""Routes about alerts, verdicts and webhooks."""
