"""Exact: the Decimal context in which sums are exact. It knows nothing of trades and bars."""

from decimal import Context

EXACT = Context(prec=1000)
"""Decimal's usual 28 digits are too few for the volumes of some tokens with 18 decimals. Nobody changes it."""
