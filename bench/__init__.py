"""Bench: measures the gateway beside other servers on the same work. `make bench`; see docs/benchmarks.md."""
