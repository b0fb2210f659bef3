"""Tokens: honest tokens of many users, for the load client. It knows no server."""

import time

from handlers.auth import mint

SECRET = "the secret of the bench, which is long enough for HS256"
CONNECTIONS_A_USER = 10
"""So many connections a user may have, as the protocol's limit is."""


def tokens_for(connections: int) -> list[str]:
    """Return tokens for so many connections at once: the i-th connection has the one at i modulo their count."""
    users = -(-connections // CONNECTIONS_A_USER)
    now_ms = time.time_ns() // 1_000_000
    return [
        mint(
            SECRET,
            subject=f"bench-{user}",
            user_id=str(user + 1),
            accounts=[1],
            scopes=["orders:read", "balances:read"],
            expires_in_s=6 * 3600,
            now_ms=now_ms,
        )
        for user in range(users)
    ]
