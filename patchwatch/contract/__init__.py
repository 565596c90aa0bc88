"""The ground floor: settings, errors, roles, logs, and which texts and addresses are allowed."""
