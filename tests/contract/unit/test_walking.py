"""Walks: what only counts behind another request is tried behind it."""

import json
from pathlib import Path
from typing import Any

from websockets.asyncio.server import ServerConnection

from contract.breaking import breakages
from contract.engine import Options, run_async
from contract.forms import frozen
from contract.spec import Spec
from contract.ways import at
from tests.contract.unit.kiosk import Frame, Kiosk, kiosk, running

FIRST, SALES = 30, 2
"""So many ask in vain, whatever comes before; and so much is sold after them."""


class Staffed(Kiosk):
    """Sells once somebody is hired on the connection, but not to the first, and not for long."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(spec)
        self.staffed: set[ServerConnection] = set()
        self.asked_for = self.sold = 0
        self.got: list[Any] = []  # since it sells

    async def received(self, connection: ServerConnection, data: str | bytes) -> None:
        if connection in self.staffed and self.asked_for > FIRST and isinstance(data, str):
            self.got.append(json.loads(data))
        await super().received(connection, data)

    async def asked(self, connection: ServerConnection, value: Frame) -> None:
        if value["type"] == "hire":
            self.staffed.add(connection)
        buys = value["type"] == "buy"
        self.asked_for += buys
        sells = connection in self.staffed and self.asked_for > FIRST and self.sold < SALES
        self.sold += buys and sells
        if buys and not sells:
            await self.send(connection, {"type": "error", "code": "sold_out", "id": value["id"]})
        else:
            await super().asked(connection, value)


async def test_each_broken_form_is_tried_where_the_good_one_is_taken(tmp_path: Path) -> None:
    """The phase `invalid` can't do that: there every form is refused, since nobody is hired."""
    spec = kiosk(tmp_path)
    server = Staffed(spec)
    async with running(server) as url:
        options = Options(url, seed=1, timeout=0.2, phases=("examples", "stateful"), max_time=20)
        result = await run_async(spec, options)
    assert not result.findings
    buy = next(message for message in spec.channel("kiosk").sent if message.key == "buy")
    forms = {
        (case.pointer, frozen(at(case.value, case.pointer)))
        for case in breakages(buy.schema.value, frozenset(buy.tags), buy.example_values)
        if case.pointer and case.pointer[0] not in (*buy.tags, "id")
    }
    assert len(forms) > 20
    bought = [frame for frame in server.got if isinstance(frame, dict) and frame.get("type") == "buy"]
    missing = [form for form in forms if not any(frozen(at(frame, form[0])) == form[1] for frame in bought)]
    assert not missing
