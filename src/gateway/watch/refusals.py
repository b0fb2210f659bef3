"""Refusals: shows how tokens are refused, and holds the answers against the contract. It draws no table."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from gateway.watch.credentials import ALL_SCOPES, USER, Credentials
from gateway.watch.faults import WatchError, read_refusal
from gateway.watch.sockets import Server, meaning
from handlers.auth import mint
from tapecast_client import (
    CloseCode,
    ConnectionEnded,
    ConnectionFailed,
    ConnectionLost,
    Refused,
    RequestTimeout,
)

FOREIGN_ACCOUNT: Final = 999_999
_SCOPE: Final = "balances:read"
_ANSWER_S: Final = 10.0


@dataclass(frozen=True)
class Case:
    """A handshake that is tried. `status` and `code` are what must come back; 101: it is let in."""

    title: str
    account: int
    token: str | None
    status: int
    code: str | None
    meaning: str


@dataclass(frozen=True)
class Answer:
    """What came back: by HTTP, or for an accepted connection the close code, None where it lives."""

    status: int
    code: str | None = None
    message: str | None = None
    close: int | None = None

    def __str__(self) -> str:
        """Return it in words."""
        if self.status != 101:
            return f"HTTP {self.status} {self.code}: {self.message}"
        return "let in" if self.close is None else f"accepted and closed: {meaning(self.close)}"


async def knock(server: Server, account: int, token: str | None, *, offer: bool) -> Answer:
    """Try a handshake for an account's balances; an accepted connection is sent a ping, to see that it lives.

    `offer`: with the subprotocol of the document.
    """
    client = server.client(token or "", subprotocols=None if offer else ())
    try:
        async with client.account_balances(exchange_id=account) as connection:
            await connection.ping_account_balances(timeout_s=_ANSWER_S)
            return Answer(101)
    except Refused as refused:
        refusal = read_refusal(refused)
        return Answer(refusal.status, refusal.code, refusal.message)
    except (ConnectionLost, ConnectionEnded) as closed:
        return Answer(101, close=closed.code)
    except RequestTimeout:
        raise WatchError(f"{server.ws} accepts the connection and then says nothing: check --url.") from None
    except ConnectionFailed as failed:
        raise server.unreachable(failed.error) from None


async def show_refusals(
    server: Server,
    credentials: Credentials,
    *,
    account: int,
    now_ms: Callable[[], int],
    write: Callable[[str], None],
) -> bool:
    """Show all cases. Returns whether the server answered each as it must.

    Raises WatchError where no good token can be had, and Unreachable where there is no server.
    """
    good = await credentials.token()
    wrong = mint(
        secrets.token_urlsafe(48),
        subject=USER,
        user_id=USER,
        accounts=[account],
        scopes=ALL_SCOPES,
        expires_in_s=3600,
        now_ms=now_ms(),
    )
    cases = [
        Case("no token", account, None, 401, "unauthorized", "This address needs a token, and none was sent."),
        Case("garbage", account, "garbage", 401, "unauthorized", "What was sent is no JWT."),
        Case("wrong key", account, wrong, 401, "unauthorized", "The token is not signed with the server's key."),
    ]
    try:
        expired = await credentials.make(ALL_SCOPES, 0)
        narrow = await credentials.make([scope for scope in ALL_SCOPES if scope != _SCOPE], 3600)
    except WatchError:
        write("expired, scope missing: not shown. Only the demo, or TAPECAST_JWT_SECRET, can make such tokens.\n")
    else:
        cases += [
            Case("expired", account, expired, 401, "unauthorized", "The token was good, but its time is over."),
            Case("scope missing", account, narrow, 403, "forbidden", f"The token is good, but not for {_SCOPE}."),
        ]
    cases += [
        Case(
            "foreign account", FOREIGN_ACCOUNT, good, 403, "forbidden", f"Account {FOREIGN_ACCOUNT} is not the token's."
        ),
        Case("good token", account, good, 101, None, "The token is good, and so are its scopes and its account."),
    ]
    verdicts = [await _show(server, case, write) for case in cases]
    wrong_ones = verdicts.count(False)
    write(
        f"All {len(cases)} answers are as they must be."
        if not wrong_ones
        else f"{wrong_ones} of {len(cases)} answers are not as they must be."
    )
    return not wrong_ones


async def _show(server: Server, case: Case, write: Callable[[str], None]) -> bool:
    plain = await knock(server, case.account, case.token, offer=False)
    offering = await knock(server, case.account, case.token, offer=True)
    refused = Answer(101, close=CloseCode.POLICY_VIOLATION)
    if case.status == 101:
        right = plain == Answer(101), offering == Answer(101)
        wanted = "let in"
    else:
        # Set to TAPECAST_AUTH_FAILURE=close, the server refuses plain clients as it does the others.
        right = (plain.status, plain.code) == (case.status, case.code) or plain == refused, offering == refused
        wanted = f"HTTP {case.status} {case.code}, and close code {CloseCode.POLICY_VIOLATION}"
    write(f"{case.title}: {case.meaning}")
    for who, answer, fits in zip(("plain client", "tapecast.v1"), (plain, offering), right, strict=True):
        write(f"  {who:<13} {answer}" + ("" if fits else f"  WRONG: it must be {wanted}"))
    write("")
    return all(right)
