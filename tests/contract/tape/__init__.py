"""Faulty Tapecast servers: the real one behind a proxy that breaks one promise of asyncapi.yaml at a time."""
