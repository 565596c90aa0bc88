"""The demonstration: a rendered scene, published over RTSP as a camera would."""
