"""The patch network: EfficientNet-lite0 as arrays, run by OpenVINO or PyTorch, and a frame's patches as vectors."""
