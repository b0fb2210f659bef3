"""Waits: the names of the members by which a message says how long a client is to wait. It knows no language.

A number of this name, in a message or in the one object in it, is a time in milliseconds.
"""

from typing import Final

RECONNECT: Final = "reconnect_after_ms"
"""How long to wait before connecting again."""
RETRY: Final = "retry_after_ms"
"""How long to wait before asking again."""
