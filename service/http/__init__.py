"""Below the application: the listening socket, uvicorn's protocols with limits, WebSocket handshakes."""
