"""Clients of the published contract. They know these frames and nothing else: on the bars socket `bars.subscribe`,
`bars.ack` and `bars.update`, on the cache sockets the flat `ticker`, `trade`, `order` and `balances`.

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


async def read_cache(url: str, token: str, count: int) -> list[dict[str, Any]]:
    """Return what the first `count` flat frames of a cache socket say, each as the row that a program stores.

    `url` ends with `?token=`.
    """
    rows: list[dict[str, Any]] = []
    async with connect(url + token) as socket:
        async for frame in socket:
            data = json.loads(frame)
            row: dict[str, Any] = {}
            if data["type"] == "ticker":
                assert isinstance(data["time"], int)
                row = {"market": (data["exchange"], data["symbol"]), "last": float(data["price"])}
                row["spread"] = None if data["bid"] is None or data["ask"] is None else data["ask"] - data["bid"]
                row["volume"] = float(data["volume"])
            elif data["type"] == "trade":
                assert isinstance(data["timestamp"], int)
                assert data["side"] in ("buy", "sell")
                row = {"market": (data["exchange"], data["symbol"]), "id": str(data["trade_id"])}
                row["money"] = data["price"] * data["volume"]
            elif data["type"] == "order":
                assert data["side"] in ("buy", "sell")
                assert data["status"] in ("open", "closed", "canceled", "expired", "rejected")
                assert data["order_type"] in ("limit", "market")
                assert isinstance(data["timestamp"], int)
                assert isinstance(data["exchange_id"], int)
                row = {"market": (data["exchange"], data["symbol"]), "id": str(data["order_id"])}
                row["left"] = data["volume"] - data["filled"]
                assert abs(row["left"] - data["remaining"]) < 1e-9
                row["limit"] = None if data["price"] is None else float(data["price"])
                row["paid"] = None if data["average"] is None else data["average"] * data["filled"]
            elif data["type"] == "balances":
                assert isinstance(data["timestamp"], int)
                row = {"account": int(data["exchange_id"])}
                for name, value in data.items():
                    if isinstance(value, dict) and "total" in value:
                        row[name] = (value["total"], value["free"], value["used"])
            if row:
                rows.append(row)
            if len(rows) == count:
                return rows
    raise RuntimeError("the server closed the connection")
