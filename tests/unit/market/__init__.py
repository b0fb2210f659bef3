"""Tests of `market`."""
