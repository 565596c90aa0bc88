"""What `patchwatch.contract.settings` is made of: groups of settings, where values come from, checks."""
