"""The direct transport, piece by piece."""
