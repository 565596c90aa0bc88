"""The demo's synthetic street: what is drawn, and when."""
