"""The ground floor: settings, errors, roles, logs, and what texts and addresses may be."""
