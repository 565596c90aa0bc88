"""Banks on disk: versions, what is done to them, and what operators order."""
