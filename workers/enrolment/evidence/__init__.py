"""The evidence of alerts: frames are collected while an alert lasts, made into a bundle, and stored."""
