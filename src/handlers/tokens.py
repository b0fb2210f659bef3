"""Tokens: how long a session's token lives, and its renewal. It never sees a connection, and keeps no token."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from pydantic import MISSING

from generated.errors import ErrorCode
from generated.models import AuthAckPayload
from handlers.auth import AuthenticationError, Principal
from streaming.clock import Clock, Timer
from streaming.session import Session


@dataclass(frozen=True, slots=True)
class Answer:
    """What a renewal came to. `code` is None where it went well, and then `expires_at` (ms) is when the token ends."""

    message: str
    code: ErrorCode | None = None
    expires_at: int | None = None


def ack_payload(answer: Answer, request_id: str | int | MISSING) -> AuthAckPayload:
    """Return the reply to a renewal, which both forms say alike."""
    return AuthAckPayload(
        status="ok" if answer.code is None else "error",
        message=answer.message,
        expires_at=MISSING if answer.expires_at is None else answer.expires_at,
        code=MISSING if answer.code is None else answer.code,
        id=request_id,
    )


class _Held:
    """What is known of one session's token: whose it is, what it must cover, and the timers of its end."""

    __slots__ = ("_ending", "_session", "_warning_timer", "covers", "ends_at", "owner", "warning")

    def __init__(
        self, session: Session, covers: Callable[[Principal], bool], warning: Callable[[int], bytes] | None
    ) -> None:
        self.owner: tuple[str, str] | None = None
        self.covers = covers
        self.warning = warning
        self.ends_at = 0
        self._session = session
        self._ending: Timer | None = None
        self._warning_timer: Timer | None = None

    def hold(self, principal: Principal, clock: Clock, warning_ms: int) -> None:
        self.stop()
        self.owner = owner_of(principal)
        self.ends_at = principal.expires_at * 1000
        left = (self.ends_at - clock.now_ms()) / 1000
        self._ending = clock.call_later(max(0.0, left), self._end)
        if self.warning is not None:
            self._warning_timer = clock.call_later(max(0.0, left - warning_ms / 1000), self._warn)

    def stop(self) -> None:
        for timer in (self._ending, self._warning_timer):
            if timer is not None:
                timer.cancel()
        self._ending = self._warning_timer = None

    def _end(self) -> None:
        self._session.end("token_expired")

    def _warn(self) -> None:
        if self.warning is not None:
            self._session.send(self.warning(self.ends_at))


class Tokens:
    """Every session's token, from its acceptance to its end.

    `authenticate` verifies a token or raises AuthenticationError. `warning_ms` before its token ends, a session whose
    client wants it is warned.
    """

    def __init__(self, authenticate: Callable[[str], Awaitable[Principal]], clock: Clock, *, warning_ms: int) -> None:
        """Start with no session."""
        self._authenticate = authenticate
        self._clock = clock
        self._warning_ms = warning_ms
        self._held: dict[Session, _Held] = {}

    def __len__(self) -> int:
        """Return how many sessions there are."""
        return len(self._held)

    def admit(
        self,
        session: Session,
        principal: Principal | None,
        *,
        covers: Callable[[Principal], bool],
        warning: Callable[[int], bytes] | None,
    ) -> None:
        """Count a session in: it ends when its token does.

        `covers` says whether a later token suffices for what it shows. `warning` makes the frame that says when the
        token ends (ms), None for a client that is not warned.
        """
        held = self._held[session] = _Held(session, covers, warning)
        if principal is not None:
            held.hold(principal, self._clock, self._warning_ms)

    def discard(self, session: Session) -> None:
        """Count a session out; harmless when it already is."""
        held = self._held.pop(session, None)
        if held is not None:
            held.stop()

    async def refresh(self, session: Session, token: str) -> Answer:
        """Go on with a new token. One of somebody else, or that does not cover what is shown, ends the session."""
        try:
            principal = await self._authenticate(token)
        except AuthenticationError as error:
            return Answer(error.reason, ErrorCode.UNAUTHORIZED)
        held = self._held.get(session)
        if held is None or session.ended is not None:
            return Answer("The connection is over.", ErrorCode.UNAUTHORIZED)
        if held.owner not in (None, owner_of(principal)):
            session.after_reply(lambda: session.end("token_revoked"))
            return Answer("The token is another user's.", ErrorCode.FORBIDDEN)
        if not held.covers(principal):
            session.after_reply(lambda: session.end("token_revoked"))
            return Answer("The token does not cover what this connection shows.", ErrorCode.FORBIDDEN)
        held.hold(principal, self._clock, self._warning_ms)
        return Answer("The token was renewed.", expires_at=principal.expires_at * 1000)


def owner_of(principal: Principal) -> tuple[str, str]:
    """Return who a token is about."""
    return principal.subject, principal.user_id
