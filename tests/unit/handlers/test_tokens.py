"""Tokens: when a session ends with its token, how it goes on with a new one, and whom it warns."""

from collections.abc import Callable

import pytest

from generated.errors import ErrorCode
from handlers.auth import AuthenticationError, Principal
from handlers.tokens import Answer, Tokens
from streaming.session import Session
from tests.support.clock import VirtualClock
from tests.support.transport import FakeTransport, Turns, new_session

START_S = 1_700_000_000


def principal(lives_s: int, *, user: str = "1", scopes: tuple[str, ...] = ("a", "b")) -> Principal:
    """Return whom a token names that lives so long from the clock's start."""
    return Principal(f"sub {user}", user, frozenset(scopes), frozenset(), START_S + lives_s, None)


class Fixture:
    """Tokens without a server: a token is a name of a principal."""

    def __init__(self) -> None:
        self.clock = VirtualClock(START_S * 1000)
        self.turns = Turns()
        self.known: dict[str, Principal] = {}
        self.tokens = Tokens(self.authenticate, self.clock, warning_ms=60_000)

    async def authenticate(self, token: str) -> Principal:
        """Return whom the token names."""
        if token not in self.known:
            raise AuthenticationError("The token is malformed.")
        return self.known[token]

    def admit(
        self,
        who: Principal | None,
        *,
        warned: bool = False,
        covers: Callable[[Principal], bool] = lambda principal: True,
    ) -> tuple[Session, FakeTransport]:
        """Return a session that entered with a token."""
        session, transport = new_session(self.clock, self.turns)
        warning = (lambda expires_at: b"%d" % expires_at) if warned else None
        self.tokens.admit(session, who, covers=covers, warning=warning)
        return session, transport

    async def refresh(self, session: Session, token: str) -> Answer:
        """Refresh, as the connection's loop does it."""
        answer = await self.tokens.refresh(session, token)
        session.replied()
        return answer


async def test_a_session_ends_with_its_token() -> None:
    """At that second, with 4003's reason; one without a token does not."""
    it = Fixture()
    session, _ = it.admit(principal(100))
    anonymous, _ = it.admit(None)
    await it.clock.advance(99.9)
    assert session.ended is None
    await it.clock.advance(0.2)
    assert session.ended == "token_expired"
    assert anonymous.ended is None


async def test_a_new_token_of_the_same_user_lets_it_live_on() -> None:
    """Until the new one ends, be that later or sooner than the old one."""
    it = Fixture()
    it.known = {"longer": principal(500), "shorter": principal(200)}
    session, _ = it.admit(principal(100))
    answer = await it.refresh(session, "longer")
    assert answer == Answer("The token was renewed.", expires_at=(START_S + 500) * 1000)
    await it.clock.advance(150)
    assert session.ended is None
    await it.refresh(session, "shorter")
    await it.clock.advance(51)
    assert session.ended == "token_expired"


async def test_a_bad_token_changes_nothing() -> None:
    """It is answered with the reason; the old one still counts."""
    it = Fixture()
    session, _ = it.admit(principal(100))
    assert await it.refresh(session, "nope") == Answer("The token is malformed.", ErrorCode.UNAUTHORIZED)
    assert session.ended is None
    await it.clock.advance(101)
    assert session.ended == "token_expired"


@pytest.mark.parametrize(
    "other",
    [principal(500, user="2"), Principal("sub 2", "1", frozenset("ab"), frozenset(), START_S + 500, None)],
    ids=["another user", "another subject"],
)
async def test_another_users_token_ends_the_session(other: Principal) -> None:
    """After the answer, with 4501's reason."""
    it = Fixture()
    it.known = {"other": other}
    session, _ = it.admit(principal(100))
    answer = await it.tokens.refresh(session, "other")
    assert answer.code is ErrorCode.FORBIDDEN
    assert session.ended is None
    session.replied()
    assert session.ended == "token_revoked"


async def test_a_token_that_does_not_cover_what_is_shown_ends_the_session() -> None:
    """Fewer scopes are fine as long as none is needed here."""
    it = Fixture()
    it.known = {"fewer": principal(500, scopes=("a",)), "none": principal(500, scopes=())}
    session, _ = it.admit(principal(100), covers=lambda principal: "a" in principal.scopes)
    assert (await it.refresh(session, "fewer")).code is None
    assert session.ended is None
    assert (await it.refresh(session, "none")).code is ErrorCode.FORBIDDEN
    assert session.ended == "token_revoked"


async def test_who_came_without_a_token_may_send_one_later() -> None:
    """From then on the session is that user's, and ends with the token."""
    it = Fixture()
    it.known = {"one": principal(100), "two": principal(100, user="2")}
    session, _ = it.admit(None)
    assert (await it.refresh(session, "one")).code is None
    other, _ = it.admit(None)
    await it.refresh(other, "one")
    await it.refresh(other, "two")
    assert other.ended == "token_revoked"
    await it.clock.advance(101)
    assert session.ended == "token_expired"


async def test_who_wants_it_is_warned_once_for_each_token() -> None:
    """A minute before the end, or at once where less is left."""
    it = Fixture()
    it.known = {"next": principal(300)}
    session, transport = it.admit(principal(100), warned=True)
    _, silent = it.admit(principal(100))
    _, late = it.admit(principal(30), warned=True)
    await it.clock.advance(0.1)
    it.turns.end()
    assert late.frames == [b"%d" % ((START_S + 30) * 1000)]
    await it.clock.advance(39.8)
    it.turns.end()
    assert transport.frames == []
    await it.clock.advance(0.2)
    it.turns.end()
    assert transport.frames == [b"%d" % ((START_S + 100) * 1000)]
    await it.refresh(session, "next")
    await it.clock.advance(199)
    it.turns.end()
    assert len(transport.frames) == 1
    await it.clock.advance(2)
    it.turns.end()
    assert transport.frames[1:] == [b"%d" % ((START_S + 300) * 1000)]
    assert silent.frames == []


async def test_nothing_is_left_of_a_session_that_is_over() -> None:
    """No timer, no owner; and a renewal that comes too late finds nobody."""
    it = Fixture()
    it.known = {"next": principal(300)}
    session, _ = it.admit(principal(100), warned=True)
    it.tokens.discard(session)
    it.tokens.discard(session)
    assert (len(it.tokens), it.clock.pending) == (0, 0)
    assert (await it.refresh(session, "next")).code is ErrorCode.UNAUTHORIZED
    assert (len(it.tokens), it.clock.pending) == (0, 0)
