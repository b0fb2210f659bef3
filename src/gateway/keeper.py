"""Keeper: keeps what clients are told, and restores it at the start. It never sees a client, and no event's meaning.

What the sources say in a turn of the event loop is kept as one batch, before any frame that follows from it goes out.
Now and then a snapshot of the state takes the place of the batches before it.
"""

import asyncio
import gc
import json
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from gateway.sources.source import ResumableSource, Source
from gateway.stores.store import Kept, Store, StoreError, StoreWriteError
from gateway.telemetry import get_logger
from handlers.cache import CacheFeed
from handlers.feed import BarsFeed
from handlers.market import MarketFeed
from handlers.record import Epochs, Follower, Life, Recorder
from market.events import Account
from market.symbols import Symbol
from streaming.clock import PinnedClock
from streaming.history import Copy, Rings

FORMAT = 2
"""Raised whenever the same batches or parts mean something else."""
LEAST_JOURNAL_BYTES = 4 * 1024 * 1024
"""No snapshot before the batches have so many bytes, and twice the last snapshot's; or before so long has passed:"""
LONGEST_JOURNAL_S = 300.0
MOST_LOGGED = 2000
"""Batches in SQLite's log before they are moved into the database: some 25 MB."""
CHECK_S = 1.0
LONGEST_WAIT_S = 30.0
"""Between two tries to write what could not be written; the wait doubles up to this."""


_WHY_OVER: Mapping[Life, str] = {
    "new": "it had not begun",
    "failed": "it had failed",
    "begun": "it can't resume",
    "ended": "it can't resume",
}


class Keeper:
    """Stands between the sources and the feeds: `sink` takes the sources' events, `gate` says what may be written."""

    def __init__(
        self,
        store: Store,
        clock: PinnedClock,
        epochs: Epochs,
        rings: Rings,
        feed: BarsFeed,
        cache: CacheFeed,
        sources: Sequence[Source],
        *,
        version: str,
        settings: Iterable[str],
        call_soon: Callable[[Callable[[], None]], object],
    ) -> None:
        """Prepare; `restore` is to follow. `settings` are texts without which the state would mean something else.

        `version` names the program. Raises SourceError: what a source depends on can't be read.
        """
        symbols: list[Symbol] = [symbol for source in sources for symbol in source.symbols]
        accounts: list[Account] = [account for source in sources for account in source.accounts]
        self.store = store
        self._clock = clock
        self._rings = rings
        self._feed = feed
        self._cache = cache
        self._sources = sources
        self._call_soon = call_soon
        self._pending: list[str] = []
        self._failed = False
        self.failures = 0
        """How often something couldn't be kept."""
        self._snapshot_at = 0.0
        self._since: list[str] | None = None
        """What was noted since the copy that is to open the gate again."""
        self._wait = self._retry_at = 0.0
        self._said = ""
        self.sink = Recorder(
            MarketFeed(feed, cache),
            clock,
            epochs,
            {symbol.key: symbol.exchange for symbol in symbols},
            accounts,
            self._note,
        )
        tables = {symbol.calendar: symbol.calendar.fingerprint() for symbol in symbols}
        self._version = version
        self._label = "\n".join(
            (
                version,
                f"format {FORMAT}",
                *settings,
                *(source.fingerprint() if isinstance(source, ResumableSource) else source.name for source in sources),
                *(f"{symbol.key} on {symbol.calendar.name} {tables[symbol.calendar]}" for symbol in symbols),
                *(f"{account.user_id} {account.exchange_id} {account.currencies}" for account in accounts),
            )
        )
        self.on_failure: Callable[[], None] = lambda: None
        """Called once when something can't be kept; from then on the gate is closed until everything is kept again."""

    @property
    def failed(self) -> bool:
        """Whether nothing may be told because it can't be kept."""
        return self._failed

    # ----------------------------------------------------------------------------------------------------- start

    def restore(self) -> None:
        """Bring feeds and sources to where an earlier process stopped, or begin with them as they are.

        Raises StoreError: what was kept is damaged, or nothing can be kept.
        """
        log = get_logger().bind(folder=str(self.store.folder))
        kept = self.store.open()
        why = ""
        if kept is None:
            if self.store.missing == "machine":
                why = "the machine stopped while the server ran"
        else:
            why = self._why_not(kept)
            kept = None if why else kept
        if kept is not None:
            self._load(kept)
            self.store.begin()
        else:
            if why:
                log.warning("what was kept is put aside: a new epoch begins", reason=why)
            self.store.begin_anew()
        for source in self._sources:
            exchanges = sorted({symbol.exchange for symbol in source.symbols})
            resumes = isinstance(source, ResumableSource) and all(
                self.sink.lives[exchange] in ("begun", "ended") for exchange in exchanges
            )
            if kept is not None and not resumes:
                if isinstance(source, ResumableSource):
                    source.forget()
                for exchange in exchanges:
                    log.warning(
                        "source starts over in a new epoch",
                        source=source.name,
                        exchange=exchange,
                        reason=self.sink.refusals.get(exchange, _WHY_OVER[self.sink.lives[exchange]]),
                    )
                    self.sink.restarted(exchange)
            if isinstance(source, ResumableSource):
                source.go_on()
        self._pending.clear()  # the snapshot has it
        try:
            self.store.snapshot_at_once(self._label, _parts(self.copies()))
        except StoreWriteError as error:
            raise StoreError(
                f"{self.store.folder} can't be written ({error}): make room or set TAPECAST_DATA to another folder."
            ) from None
        self._snapshot_at = self._clock.monotonic()
        if kept is not None:
            log.info("restored", batches=len(kept.batches), exchanges=dict(self.sink.lives))

    def _why_not(self, kept: Kept) -> str:
        """Return why there is no going on from what was kept; nothing where there is."""
        version, _, label = kept.label.partition("\n")
        own = self._label.partition("\n")[2]
        if label != own:
            return _difference(label, own)
        if version != self._version and kept.batches:
            # A snapshot is of a known format; what the batches come to, the program says.
            return f"version {version} was killed, and version {self._version} may make something else of its batches"
        return ""

    def _load(self, kept: Kept) -> None:
        try:
            parts: dict[str, Any] = {name: json.loads(zlib.decompress(body)) for name, body in kept.parts.items()}
            self._feed.load(parts)
            self._cache.load(parts)
            self._rings.load(parts["rings"], self._all_rings())
            lives: Mapping[str, Life] = parts["lives"]
            self.sink.lives.update(lives)
            followers: dict[str, Follower] = {}
            for source in self._sources:
                if isinstance(source, ResumableSource):
                    source.load(parts[f"source {source.name}"])
                    followers |= dict.fromkeys((symbol.exchange for symbol in source.symbols), source)
            wall, monotonic = self._clock.now_ms(), self._clock.monotonic()
            for batch in kept.batches:
                for line in batch.decode().split("\n"):
                    self.sink.tell_again(line, followers, lambda then: monotonic - (wall - then) / 1000)
            self.sink.tell_owed()
        except Exception as error:  # whatever it is: a server that doesn't start says why in a sentence
            raise StoreError(
                f"{self.store.folder} holds a state that this server can't read ({type(error).__name__}: {error})."
                " Move the folder away and start again: the server then begins anew and tells its clients."
            ) from error

    # ----------------------------------------------------------------------------------------------------- turns

    def _note(self, line: str) -> None:
        if not self._pending:
            self._call_soon(self._commit)
        self._pending.append(line)

    def _commit(self) -> None:
        self.gate()

    def gate(self) -> bool:
        """Keep what is pending. Say whether what follows from it may be told."""
        if self._pending:
            lines, self._pending = self._pending, []
            if not self._failed:
                try:
                    self.store.append("\n".join(lines).encode())
                except StoreWriteError as error:
                    self._fail(error)
            elif self._since is not None:
                self._since += lines
        return not self._failed

    def _fail(self, error: StoreWriteError) -> None:
        self._failed = True
        self.failures += 1
        self._wait = self._retry_at = 0.0
        get_logger().error(
            "state can't be kept: clients are closed until it can", folder=str(self.store.folder), reason=str(error)
        )
        self.on_failure()

    # ------------------------------------------------------------------------------------------------- snapshots

    async def run(self) -> None:
        """Take a snapshot whenever one is due, and try again where something couldn't be kept, until cancelled."""
        while True:
            await self._clock.sleep(CHECK_S)
            if self._clock.monotonic() < self._retry_at:
                continue
            try:
                if self.store.logged > MOST_LOGGED:
                    await self._move_log()
                if self._failed:
                    await self._recover()
                elif self._is_due():
                    await self._snapshot()
                else:
                    continue
            except Exception as error:  # whatever it is: batches are still kept, and clients told
                self._try_later(error)
            else:
                self._wait = 0.0

    def _try_later(self, error: Exception) -> None:
        self._wait = min(max(2 * self._wait, CHECK_S), LONGEST_WAIT_S)
        self._retry_at = self._clock.monotonic() + self._wait
        said = repr(error)
        is_new = not isinstance(error, StoreWriteError) and said != self._said
        self._said = said
        get_logger().warning(
            "state can't be kept yet" if self._failed else "no snapshot could be written; what is told is kept without",
            reason=str(error),
            retry_in_s=self._wait,
            **({"exc_info": error} if is_new else {}),
        )

    def _is_due(self) -> bool:
        waited = self._clock.monotonic() - self._snapshot_at
        journal = self.store.journal_bytes
        return journal > max(LEAST_JOURNAL_BYTES, 2 * self.store.snapshot_bytes) or (
            journal > 0 and waited > LONGEST_JOURNAL_S
        )

    async def _snapshot(self) -> None:
        """Take a snapshot, a part of it in each turn of the event loop."""
        if not self.gate():
            return
        began = self._clock.monotonic()
        # A batch may fail meanwhile: this is the state before it, and before those that were kept since.
        for _ in self.store.snapshot(self._label, _parts(self.copies())):
            await self._clock.sleep(0)
        self._snapshot_at = began
        await self._move_log()

    async def _move_log(self) -> None:
        await asyncio.to_thread(self.store.move_log)
        self.store.move_rest()

    async def _recover(self) -> None:
        """Keep the state as it is now: it is ahead of what was told, and whoever comes back hears of the rest.

        Raises StoreWriteError. A part is encoded in each turn of the event loop; what is noted meanwhile comes after.
        """
        self.store.probe()
        self._pending.clear()
        since = self._since = list[str]()
        try:
            bodies: dict[str, bytes] = {}
            for name, make in _parts(self.copies()).items():
                bodies[name] = make()
                await self._clock.sleep(0)
            self.store.snapshot_at_once(self._label, {name: partial(bytes, body) for name, body in bodies.items()})
        finally:
            self._since = None
        self._snapshot_at = self._clock.monotonic()
        self._failed = False
        self._pending[:0] = since
        if self.gate():
            get_logger().info("state is kept again", folder=str(self.store.folder))

    def close(self) -> None:
        """Keep everything, with a snapshot so that the next start is fast. Called once, when the sources have ended."""
        try:
            if self.gate():
                self.store.snapshot_at_once(self._label, _parts(self.copies()))
        except StoreWriteError as error:
            get_logger().warning("no snapshot could be written at the end", reason=str(error))
        finally:
            self.store.close()

    def _all_rings(self) -> dict[str, Any]:
        return {**self._feed.rings(), **self._cache.rings()}

    def copies(self) -> dict[str, Copy]:
        """Return a copy of everything, as it is now. The event loop stands still meanwhile."""
        was_enabled = gc.isenabled()
        gc.disable()  # nothing of the many small objects is garbage: looking for some takes ten times as long
        try:
            return self._copied()
        finally:
            if was_enabled:
                gc.enable()

    def _copied(self) -> dict[str, Copy]:
        lives = dict(self.sink.lives)
        copies = {
            **self._feed.dump(),
            **self._cache.dump(),
            "rings": self._rings.dump(self._all_rings()),
            "lives": lambda: lives,
        }
        for source in self._sources:
            if isinstance(source, ResumableSource):
                # Encoded now: a source's state is small, and it goes on changing.
                copies[f"source {source.name}"] = partial(json.loads, json.dumps(source.dump()))
        return copies


def _parts(copies: Mapping[str, Copy]) -> dict[str, Callable[[], bytes]]:
    return {name: partial(_encoded, copy) for name, copy in copies.items()}


def _encoded(copy: Copy) -> bytes:
    return zlib.compress(json.dumps(copy(), separators=(",", ":")).encode(), 1)


def _difference(before: str, now: str) -> str:
    """Return the first lines in which two labels differ."""
    was, is_now = before.splitlines(), now.splitlines()
    for old, new in zip(was, is_now, strict=False):
        if old != new:
            return f'it is of "{old}", and the settings are "{new}"'
    return "it is of other symbols or accounts"
