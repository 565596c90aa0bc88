"""CLIP's trunk and the object detector, and what runs them: PyTorch, CUDA graphs, OpenVINO."""
