"""The RTSP server to which cameras publish: it authenticates publishers and passes their video to a capture process."""
