"""Diff: what a change of a document means to the clients that were made from the old one. It generates nothing."""
