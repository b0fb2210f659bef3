"""Messages: what the peers send, about 190 bytes of JSON as the trades socket has it. It knows no server."""

import json
from typing import Any

TOPICS = 500
ACK = '{"type":"ack"}'


def topic_name(number: int) -> str:
    """Return the name of a topic, which the load client writes in the same way."""
    return f"T{number:03d}"


def message(number: int, topic: int, stamp: int) -> dict[str, Any]:
    """Return the message of this number. `stamp` is when it came up, in nanoseconds since the epoch."""
    return {
        "type": "trade",
        "exchange": "bench",
        "symbol": topic_name(topic),
        "trade_id": f"{number:026d}",
        "timestamp": stamp,
        "price": 65000.25,
        "volume": 0.125,
        "side": "buy",
        "seq": number + 1,
        "prev": number,
    }


def encode(content: dict[str, Any]) -> str:
    """Return it as JSON without blanks."""
    return json.dumps(content, separators=(",", ":"))


def subscribed_topic(text: str | bytes) -> int:
    """Return the topic of a subscription, `{"topic":"007"}`. KeyError, ValueError: it is none."""
    return int(json.loads(text)["topic"])
