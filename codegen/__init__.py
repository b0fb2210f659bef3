"""Codegen: one AsyncAPI document in, a Python package out. It knows no market data and imports nothing of src/."""
