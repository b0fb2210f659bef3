"""Drain: sends a server's clients away when it goes: tells them when to come back, then closes. It knows no signal."""

import math
from collections import deque
from collections.abc import Callable

from streaming.clock import Clock
from streaming.session import Session, Sessions

RECONNECT_WINDOW_MS = 5000
RECONNECT_STEP_MS = 2
"""Clients come back spread over this window, or over so much for each of them where that is longer."""
BATCH = 100
"""So many clients are told or closed in one step of the event loop, which then does everything else."""
BATCH_PAUSE_S = 0.05
"""The most between two batches of closes; together they take at most half of the drain."""
PATIENCE = 0.75
"""For this share of the drain a client that has not read everything is not closed yet."""
CHECK_S = 0.02


class Drain:
    """Ends all sessions within `seconds`.

    `tell` sends a session its `shutdown` frame with the milliseconds after which it may come back; `draw` gives a
    random integer from 0 up to, not including, its argument.
    """

    def __init__(
        self,
        sessions: Sessions,
        tell: Callable[[Session, int], None],
        clock: Clock,
        *,
        seconds: float,
        draw: Callable[[int], int],
    ) -> None:
        """Prepare; `run` does it."""
        self._sessions = sessions
        self._tell = tell
        self._clock = clock
        self._seconds = seconds
        self._draw = draw

    async def run(self, is_over: Callable[[], bool], is_forced: Callable[[], bool]) -> bool:
        """Send everybody away. Newcomers must be shut out by now.

        Returns True once `is_over` (no connection is left), False where before that the time is up or `is_forced`:
        then what is left is to be aborted.
        """
        began = self._clock.monotonic()
        told: dict[Session, None] = {}
        waiting = await self._tell_new(told)
        pause = min(BATCH_PAUSE_S, self._seconds / 2 / max(1, math.ceil(len(waiting) / BATCH)))
        while not is_forced():
            elapsed = self._clock.monotonic() - began
            if not waiting and is_over():
                return True
            if elapsed >= self._seconds:
                return False
            if waiting:
                self._close_some(waiting, is_patient=elapsed < self._seconds * PATIENCE)
            else:
                waiting = await self._tell_new(told)  # whose handshake was under way
            if waiting:
                # Once patience is over, so is the time for pauses.
                await self._clock.sleep(pause if elapsed < self._seconds * PATIENCE else 0)
            elif not is_over():
                await self._clock.sleep(min(CHECK_S, max(0.0, began + self._seconds - self._clock.monotonic())))
        return False

    async def _tell_new(self, told: dict[Session, None]) -> deque[Session]:
        """Tell everybody who has not been told; returns them."""
        new = [session for session in self._sessions if session not in told]
        count = len(new)
        # Steps of their own, so that no two come back at the same time.
        step = max(RECONNECT_WINDOW_MS // max(1, count), RECONNECT_STEP_MS)
        for number, session in enumerate(new):
            told[session] = None
            if session not in self._sessions:
                continue  # it went by itself meanwhile
            self._tell(session, number * step + self._draw(step))
            if number % BATCH == BATCH - 1:
                await self._clock.sleep(0)
        await self._clock.sleep(0)  # by the end of this turn it is seen who does not read
        return deque(new)

    def _close_some(self, waiting: deque[Session], *, is_patient: bool) -> None:
        """Close the next batch; who still has to read something goes to the end of the queue."""
        for _ in range(min(BATCH, len(waiting))):
            session = waiting.popleft()
            if is_patient and session.is_behind:
                waiting.append(session)
            else:
                session.end("shutdown")
