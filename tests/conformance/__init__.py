"""Conformance: the echo server seen from outside, as a process that is spoken to in raw bytes."""
