"""Streaming: sessions, hub, topics and their bounds. It never sees a model, a socket or a market."""
