"""The report of an evaluation: what it states, as JSON, as text, and compared with another."""
