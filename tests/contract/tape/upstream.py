"""Upstream: the real server in a process of its own, set so that nothing is in a tester's way. It knows no fault."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.contract.tape.tokens import SECRET
from tests.support.demo import demo_server

MANY = "1000000"
SETTINGS = {
    "TAPECAST_BARS_INTERVAL_MS": "50",
    "TAPECAST_SPEED": "780",  # two closed one-minute bars a second of each stock, and an hour until the data end
    "TAPECAST_SIM_RATE": "40",
    "TAPECAST_JWT_SECRET": SECRET,
    "TAPECAST_FRAMES_PER_SECOND": MANY,
    "TAPECAST_FRAMES_BURST": MANY,
    "TAPECAST_MAX_CONNECTIONS_PER_USER": "1000",
    "TAPECAST_MAX_CONNECTIONS_PER_ADDRESS": "1000",
    "TAPECAST_MAX_SUBSCRIPTIONS": MANY,
}
"""Twenty bad frames in a row still end a connection with 4502, as the document says."""


@contextmanager
def real_server(log: Path, **more: str) -> Iterator[str]:
    """Run it and yield its address, `ws://127.0.0.1:PORT`; its log lines go to `log`.

    `more` are settings by their variables' names, such as `TAPECAST_MAX_BAD_FRAMES="1000000"`.
    """
    with demo_server(log, **(SETTINGS | more)) as address:
        yield "ws" + address.removeprefix("http").rstrip("/")
