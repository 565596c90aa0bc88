"""A profile at work: frames in, features, scores and explanations out."""
