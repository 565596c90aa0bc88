"""What every room may rely on and nothing else of ours: settings, errors, roles, logs, and what texts and addresses may be."""
