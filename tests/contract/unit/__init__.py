"""Unit: one module of the contract tester at a time, without a server."""
