"""What Redis holds about users, their logins, tokens, and what was changed by whom."""
