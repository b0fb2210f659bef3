# Generated from asyncapi.yaml by `make generate`. DO NOT EDIT.
"""Limits: the numbers that the document publishes. It doesn't know who keeps to them."""

from typing import Final

FRAME_BYTES: Final = 16384
TOKEN_BYTES: Final = 4096
CONNECTIONS: Final = 10000
CONNECTIONS_PER_USER: Final = 10
CONNECTIONS_PER_ADDRESS: Final = 100
SUBSCRIPTIONS: Final = 200
FRAMES_PER_SECOND: Final = 50
FRAMES_BURST: Final = 100
BAD_FRAMES_IN_A_ROW: Final = 20
OUTBOX_BYTES: Final = 1048576
OUTBOX_AGE_MS: Final = 10000
PING_INTERVAL_MS: Final = 20000
PONG_TIMEOUT_MS: Final = 20000
HANDSHAKE_MS: Final = 10000
BARS_INTERVAL_MS: Final = 1000
SNAPSHOT_BARS: Final = 5000
REPLAY_TRADES: Final = 1000
RING_FRAMES: Final = 10000
RING_AGE_MS: Final = 600000
RINGS_FRAMES: Final = 200000
LATE_MS: Final = 600000
TOKEN_WARNING_MS: Final = 60000
