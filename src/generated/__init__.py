# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Tapecast: the contract as Python. It knows the document and nothing else."""
