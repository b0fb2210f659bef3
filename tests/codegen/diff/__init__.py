"""Tests of `codegen diff`."""
