"""Routes about users, logins, tokens, and what was changed by whom."""
