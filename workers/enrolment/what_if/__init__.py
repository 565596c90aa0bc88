"""What the recent past of a camera would have been under a change: answered from what is stored of it."""
