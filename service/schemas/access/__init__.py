"""Users, logins, tokens and the audit log as the API takes and shows them."""
