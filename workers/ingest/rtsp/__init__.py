"""The RTSP endpoint's protocol: whoever publishes is listened to, judged, and handed on to a capture process."""
