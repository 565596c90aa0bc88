"""Errors of the API: their HTTP statuses, and the answers that report them."""
