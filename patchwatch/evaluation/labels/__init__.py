"""Label formats: which frames of a clip are anomalous, one file per format."""
