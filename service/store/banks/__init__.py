"""Banks, how they are learnt, and what is tried with them, as Redis has them."""
