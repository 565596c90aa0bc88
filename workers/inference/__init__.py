"""The inference worker: frames out of the queue, scores and alerts into it."""
