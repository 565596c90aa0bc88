"""The streams: each turns frames into `Features` and says how its memory bank is drawn from them."""
