"""A second bank beside the one that scores: the same features, alerts of its own that nobody is told of."""
