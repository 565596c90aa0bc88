"""Whether anything moves, by quarters of an hour: of cameras that watch for absence."""
