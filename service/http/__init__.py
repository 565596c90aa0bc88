"""Below the application: listening socket, uvicorn's protocols with limits, proxies."""
