"""RTSP messages and connections, for the server that cameras publish to and the client that pulls them."""
