"""Supervisor: keeps the sources running, and says how each is. It never sees what they say."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Literal

from gateway.sources.source import Source
from gateway.telemetry import get_logger
from handlers.record import Sink
from streaming.clock import Clock

SourceState = Literal["starting", "running", "failed", "ended"]
FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 30.0


class Supervisor:
    """Runs each source in a task of its own; starts one that fails again, after a wait that doubles."""

    def __init__(self, sources: Sequence[Source], sink: Sink, clock: Clock) -> None:
        """Prepare; `run` starts them."""
        self._sources = sources
        self._sink = sink
        self._clock = clock
        self._states: dict[str, SourceState] = {source.name: "starting" for source in sources}

    @property
    def states(self) -> Mapping[str, SourceState]:
        """How each source is, by its name."""
        return self._states

    @property
    def ready(self) -> bool:
        """Whether every source serves, or has served all that it had."""
        return all(state in ("running", "ended") for state in self._states.values())

    async def run(self) -> None:
        """Run until cancelled, or until every source has ended."""
        async with asyncio.TaskGroup() as group:
            for source in self._sources:
                group.create_task(self._keep(source), name=f"source {source.name}")

    async def _keep(self, source: Source) -> None:
        exchanges = sorted({symbol.exchange for symbol in source.symbols})
        wait = FIRST_WAIT_S
        log = get_logger().bind(source=source.name)
        while True:
            self._states[source.name] = "running"
            started = self._clock.monotonic()
            try:
                await source.run(self._sink)
            except Exception:
                self._states[source.name] = "failed"
                if self._clock.monotonic() - started > LONGEST_WAIT_S:
                    wait = FIRST_WAIT_S
                log.exception("source failed", retry_in_s=wait)
                for exchange in exchanges:
                    self._sink.failed(exchange)
                await self._clock.sleep(wait)
                wait = min(wait * 2, LONGEST_WAIT_S)
                for exchange in exchanges:
                    self._sink.restarted(exchange)
            else:
                self._states[source.name] = "ended"
                log.info("source ended")
                return
