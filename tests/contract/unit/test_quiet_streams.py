"""A stream on which nothing moves in time: what came can't be compared, but a position can be come back with."""

import contextlib
import json
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from contract.engine import Options, run_async
from contract.spec import load_spec

DOCUMENT: Final = """
asyncapi: 3.0.0
info: {title: Ledger, version: '1'}
channels:
  ledger:
    address: /ledger
    messages:
      ready:
        payload:
          type: object
          required: [type, epoch, seq, recovered]
          properties:
            {type: {const: ready}, epoch: {type: string}, seq: {type: integer}, recovered: {type: boolean}}
      entry:
        payload:
          type: object
          required: [type, account, epoch, seq]
          properties: {type: {const: entry}, account: {type: string}, epoch: {type: string}, seq: {type: integer}}
      gap:
        payload:
          type: object
          required: [type, account, epoch, from_seq, to_seq]
          properties:
            type: {const: gap}
            account: {type: string}
            epoch: {type: string}
            from_seq: {type: integer}
            to_seq: {type: integer}
    bindings:
      ws:
        query:
          type: object
          properties: {epoch: {type: string}, seq: {type: integer, minimum: 0}}
          dependencies: {epoch: [seq], seq: [epoch]}
    x-stream:
      ready: ready
      key: [/account]
      seq: /seq
      epoch: /epoch
      resume: {epoch: /epoch, seq: /seq, recovered: /recovered}
      gap: {message: gap, key: [/account], from: /from_seq, to: /to_seq}
operations:
  tell:
    action: send
    channel: {$ref: '#/channels/ledger'}
"""
EPOCH: Final = "5f1c0a7e"


class Ledger:
    """Tells who comes where it stands, and nothing ever moves; `believes`: it takes the position of any epoch."""

    def __init__(self, *, believes: bool) -> None:
        self.believes = believes

    async def serve(self, connection: ServerConnection) -> None:
        """Say where it stands."""
        request = connection.request
        asked = {name: values[0] for name, values in parse_qs(urlsplit(request.path if request else "").query).items()}
        lost = "epoch" in asked and (asked["epoch"], asked["seq"]) != (EPOCH, "7") and not self.believes
        ready = {"type": "ready", "epoch": EPOCH, "seq": 7, "recovered": "epoch" in asked and not lost}
        with contextlib.suppress(ConnectionClosed):
            await connection.send(json.dumps(ready))
            if lost:
                gap = {"type": "gap", "account": "main", "epoch": EPOCH, "from_seq": 1, "to_seq": 7}
                await connection.send(json.dumps(gap))
            await connection.wait_closed()


@pytest.mark.parametrize("believes", [False, True])
async def test_a_position_of_a_foreign_epoch_is_tried_where_nothing_moves(tmp_path: Path, believes: bool) -> None:
    """A server that says what is lost is right, and the gap is met; one that calls it recovered is found."""
    file = tmp_path / "asyncapi.yaml"
    file.write_text(DOCUMENT)
    async with serve(Ledger(believes=believes).serve, "127.0.0.1", 0, compression=None) as server:
        url = f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"
        options = Options(url, seed=1, phases=("examples", "stateful"), timeout=1, max_time=16)
        result = await run_async(load_spec(file), options)
    assert {finding.violation.rule for finding in result.findings} == ({"stream-resume"} if believes else set())
    assert (result.coverage.received.counts["ledger/gap"] > 0) is not believes
