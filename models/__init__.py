"""The method: arrays in, arrays out. Nothing here knows of Redis, HTTP or cameras."""
