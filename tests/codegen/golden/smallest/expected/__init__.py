# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Smallest: the contract as Python. It knows the document and nothing else."""
