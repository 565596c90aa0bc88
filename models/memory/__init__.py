"""What is remembered of a camera's normal: features instead of video, bounded, spread over the hours of the week."""
