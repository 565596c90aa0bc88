"""Video and pictures: decoding, sampling, JPEG, and FFmpeg's errors in our words."""
