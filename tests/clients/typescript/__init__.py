"""Tests of the generated TypeScript client."""
