"""What is said over MQTT: one device per camera, which Home Assistant finds by itself."""
