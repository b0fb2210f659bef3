"""A client of the published contract: it knows `bars.subscribe`, `bars.ack` and `bars.update`, and nothing else.

FROZEN. It stands for programs that others wrote and will not change. If it breaks, the server is wrong: never edit it.
"""

import json
from typing import Any

from websockets.asyncio.client import connect


async def watch_bars(url: str, symbol: str, count: int, resolution: str | None = None) -> list[dict[str, Any]]:
    """Return the first `count` bars of a symbol. Raises RuntimeError where the subscription is refused."""
    async with connect(url) as socket:
        payload = {"symbol": symbol}
        if resolution is not None:
            payload["resolution"] = resolution
        await socket.send(json.dumps({"type": "bars.subscribe", "payload": payload}))
        bars: list[dict[str, Any]] = []
        acknowledged = False
        async for frame in socket:
            message = json.loads(frame)
            kind = message["type"]
            if kind == "bars.ack":
                if message["payload"]["status"] != "ok":
                    raise RuntimeError(message["payload"]["message"])
                assert message["payload"]["symbol"] == symbol
                assert message["payload"]["resolution"] == (resolution or "1D")
                acknowledged = True
            elif kind == "bars.update":
                assert acknowledged, "an update came before the acknowledgement"
                update = message["payload"]
                assert update["symbol"] == symbol
                assert isinstance(update["timestamp"], int)
                bar = update["bar"]
                assert isinstance(bar["time"], int)
                assert not bars or bar["time"] >= bars[-1]["time"], "time went back"
                assert bar["low"] <= min(bar["open"], bar["close"]) <= max(bar["open"], bar["close"]) <= bar["high"]
                bars.append(bar)
                if len(bars) == count:
                    return bars
        raise RuntimeError("the server closed the connection")
