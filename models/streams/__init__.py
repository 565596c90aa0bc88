"""The streams: each turns frames into `Features`, and draws the exemplars of its memory bank from them."""
