"""Neighbour: a healthy client in a thread of its own, whose round trips somebody else's misdeeds may not spoil."""

import threading
from types import TracebackType
from typing import Self

from tests.conformance.client import Client
from tests.conformance.server import EchoServer


class Neighbour:
    """Pings and sends without a pause while the block runs; its every answer has to be right."""

    def __init__(self, server: EchoServer) -> None:
        """Connect."""
        self._client = Client.open(server.port)
        self._stop = threading.Event()
        self._fault: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.trips = 0

    def _run(self) -> None:
        try:
            # The first trip begins before the misdeeds do; the last one ends after them.
            while not self._stop.wait(0.002):
                self._trip()
        except BaseException as fault:  # shown by the thread that waits for this one
            self._fault = fault

    def _trip(self) -> None:
        self._client.round_trip(b"neighbour %d" % self.trips)
        self.trips += 1

    def __enter__(self) -> Self:
        """Start."""
        self._trip()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop; where nothing else failed, fail with the neighbour's own fault."""
        self._stop.set()
        self._thread.join()
        with self._client:
            if kind is None:
                assert self._fault is None, f"the neighbour was harmed after {self.trips} trips: {self._fault!r}"
                self._trip()
                self._client.end_well()
