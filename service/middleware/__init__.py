"""What every request passes: authorisation, limits of its body, headers."""
