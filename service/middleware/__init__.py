"""What every request passes: proxy prefix, headers, size limits, authentication."""
