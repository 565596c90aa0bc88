"""Banks: how they are learnt, what their reports say, and the level that follows from them."""
