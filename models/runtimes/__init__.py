"""How and where a network is run: device and precision, PyTorch, CUDA graphs, OpenVINO."""
