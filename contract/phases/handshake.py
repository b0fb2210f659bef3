"""Handshake: the phase that opens connections in every right and wrong way, and keeps some past their token's end."""

import asyncio
import time
from dataclasses import replace

from contract.conversation import Conversation
from contract.engine import Run
from contract.handshakes import AS_USUAL, Case, Outcome, cases, ending_case, judge, kept, remark
from contract.phases.refreshing import GRACE_S, outlives, refresh_shortly, refresh_wrongly
from contract.spec import Channel

_SEE_S = 0.25
_WATCHED = 6  # good handshakes of a channel that ask for more are watched for a while
_WATCH_S = 3.0
_ROOM_TRIES = 20
_OFFERING = 3  # of the refusals of a channel, the first and the last ones are tried so too
_ROOM_S = 0.25


async def handshake(run: Run) -> None:
    """Try every case of every channel, and then what a token may no longer do on a connection that lives."""

    async def one(channel: Channel) -> None:
        try:
            made = list(cases(run.spec, channel, run.credentials, run.parameters))
        except LookupError as error:
            run.remark(str(error.args[0]))
            return
        # Begun first, so that its token ends while the others are tried.
        last = ending_case(run.spec, channel, run.credentials, run.parameters)
        refusals = [case for case in made if case.accepted is False and not case.connect.subprotocols]
        offering = {id(case) for case in (*refusals[:_OFFERING], *refusals[-_OFFERING:]) if channel.subprotocols}
        ending = [await _open(run, last)] if last is not None and last.must_end else []
        entry = run.entry(channel)
        async with asyncio.TaskGroup() as group:
            if entry is not None:
                group.create_task(refresh_shortly(run, channel, entry))
            for case in [case for case in made if case.asks_for_more][: _WATCHED if channel.pushed else 0]:
                group.create_task(_watch(run, case))
            outcomes: dict[str, list[tuple[Case, Outcome]]] = {}
            for case in made:
                if run.over():
                    break
                if case.stays_open_for is None:
                    outcomes.setdefault(case.like, []).append((case, await _try(run, case)))
                    if id(case) in offering:
                        # Who offers a declared subprotocol may be refused by a close code instead.
                        connect = replace(case.connect, subprotocols=channel.subprotocols)
                        await _try(run, replace(case, connect=connect, subprotocol=(*channel.subprotocols, None)))
            for like, tried in outcomes.items():
                usual = like == AS_USUAL and run.has_entered(channel)
                if like and (usual or any(outcome.let_in for _, outcome in tried)):
                    for case in [case for case, outcome in tried if not outcome.let_in]:
                        await _try(run, case.as_promised)
            if entry is not None:
                await refresh_wrongly(run, channel, entry)
            for case, conversation, opened in ending:
                await _see_end(run, case, conversation, opened)

    await run.each_channel(one)


async def _try(run: Run, case: Case) -> Outcome:
    run.case()
    conversation = Conversation(replace(run.terms, patient=False))
    outcome = await _outcome(conversation, case)
    for _ in range(_ROOM_TRIES):
        if not outcome.busy or run.over():
            break
        await conversation.end()
        await asyncio.sleep(_ROOM_S)
        conversation = Conversation(replace(run.terms, patient=False))
        outcome = await _outcome(conversation, case)
    if outcome.lost:
        # Once more, if the server has ended: that was not this handshake's doing, or it is so again.
        if not await run.is_there():
            await conversation.end()
            return outcome
        await conversation.end()
        conversation = Conversation(replace(run.terms, patient=False))
        outcome = await _outcome(conversation, case)
    violation = judge(case, outcome)
    if violation is not None and violation.rule == "handshake-accepted" and not outcome.data_before_close:
        # A busy server may take its time to close. Before it is blamed, it gets more of that.
        await conversation.end()
        conversation = Conversation(replace(run.terms, patient=False))
        outcome = await _outcome(conversation, case, run.terms.timeout)
        violation = judge(case, outcome)
    if violation is not None:
        conversation.tell(violation)
    told = remark(case, outcome)
    if told is not None:
        run.remark(told)
    await run.examine(conversation)
    return outcome


async def _watch(run: Run, case: Case) -> None:
    """See what is pushed to who asks for more than the usual: that may be other messages."""
    run.case()
    conversation = Conversation(run.terms)
    await conversation.connect(case.connect)
    socket = conversation.sockets.get(case.connect.socket)
    if socket is not None:
        await conversation.until(socket, lambda: False, min(_WATCH_S, max(0.5, run.left / 4)))
    await run.examine(conversation)


async def _outcome(conversation: Conversation, case: Case, seconds: float = _SEE_S) -> Outcome:
    """Open a connection, and see whether the server closes it at once."""
    outcome = await conversation.connect(case.connect)
    socket = conversation.sockets.get(case.connect.socket)
    if socket is None:
        return Outcome(outcome.status, lost=outcome.lost)
    # A server may accept, and close then; what it sends before that counts as being let in.
    await conversation.until(socket, lambda: case.accepted is True and bool(socket.received), seconds)
    errors = {message.key for message in socket.channel.errors}
    return Outcome(
        subprotocol=outcome.subprotocol,
        close_code=socket.code,
        data_before_close=any(key not in errors for key, _ in socket.received),
        lost=not socket.is_open and socket.code is None,
    )


async def _open(run: Run, case: Case) -> tuple[Case, Conversation, float]:
    run.case()
    conversation = Conversation(run.terms)
    # With the subprotocols, so that a server says beforehand that the token will end, if it does.
    await conversation.connect(replace(case.connect, subprotocols=run.spec.channel(case.connect.channel).subprotocols))
    return case, conversation, time.monotonic()


async def _see_end(run: Run, case: Case, conversation: Conversation, opened: float) -> None:
    """See whether a connection ends with its token."""
    socket = conversation.sockets.get(case.connect.socket)
    if socket is not None and case.stays_open_for is not None:
        left = opened + case.stays_open_for + GRACE_S - time.monotonic()
        if case.must_end:
            lives = await outlives(run, conversation, socket, left, "the end of its token")
            violation = kept(case, None if lives else 0.0, 2 * GRACE_S)
        else:
            await conversation.until(socket, lambda: False, left)
            violation = None
        if violation is not None and not conversation.violations:
            conversation.tell(violation)
    await run.examine(conversation)
