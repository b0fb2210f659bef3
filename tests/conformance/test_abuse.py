"""What a client may not do: it gets the right answer, and nobody else notices.

In each test a neighbour keeps on pinging through the same server, and afterwards the server holds no descriptor more
than before.
"""

import socket
from collections.abc import Iterator

import pytest

from tests.conformance.client import Client, upgrade
from tests.conformance.frames import (
    BINARY,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    Close,
    Message,
    Pong,
    close_frame,
    frame,
)
from tests.conformance.neighbour import Neighbour
from tests.conformance.server import MAX_FRAME, EchoServer

MiB = 1024 * 1024
TOO_LARGE, PROTOCOL_ERROR = 1009, 1002
HANDSHAKE = 10.0
"""Seconds a client has for its opening handshake."""
ALLOWANCE = 24 * MiB
"""Bytes by which the server may grow for reasons that are nobody's message: buffers of the loop, the allocator's."""


@pytest.fixture(autouse=True)
def nothing_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever was done, the server lives on, echoes, and holds no descriptor of it."""
    name = "narrow_server" if "narrow_server" in request.fixturenames else "server"
    server: EchoServer = request.getfixturevalue(name)
    with Client.open(server.port) as client:
        client.end_well()
    before = server.descriptors()
    with Neighbour(server):
        yield
    server.wait_for_descriptors(before)
    with Client.open(server.port) as client:
        client.round_trip(b"and after it all")
        client.end_well()


def stuff(client: Client, data: bytes, limit: int, *, patience: float = 0.5) -> int:
    """Send `data` over and over without reading, until the server takes no more, or ends it, or `limit` bytes went."""
    sent = 0
    while sent < limit:
        went = client.send(data, read=False, seconds=patience)
        sent += went
        if went < len(data):
            break
    return sent


# --------------------------------------------------------------------------------------------- frames and messages


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize("length", [MAX_FRAME + 1, 1 << 32, (1 << 63) - 1], ids=["16MiB+1", "2^32", "2^63-1"])
def test_a_frame_that_is_too_large_is_refused_by_its_head(server: EchoServer, opcode: int, length: int) -> None:
    """A frame that declares more than the limit is answered with 1009 before any of its payload is sent."""
    with Client.open(server.port) as client:
        client.send(frame(opcode, length=length))
        assert client.end_of({TOO_LARGE}) == []


def test_a_length_of_2_to_the_63_is_no_length(server: EchoServer) -> None:
    """A length with its highest bit set is a protocol error, or too large."""
    for length in (1 << 63, (1 << 64) - 1):
        with Client.open(server.port) as client:
            client.send(frame(BINARY, length=length))
            assert client.end_of({PROTOCOL_ERROR, TOO_LARGE}) == []


def test_what_follows_a_refused_head_is_not_kept(server: EchoServer) -> None:
    """The payload of a refused frame may come all the same; it fills no memory, and no answer is lost by it."""
    before = server.memory()
    with Client.open(server.port) as client:
        client.send(frame(BINARY, length=1 << 40))
        stuff(client, bytes(MiB), 64 * MiB)
        assert server.memory() - before < ALLOWANCE


def test_the_largest_frame_is_still_taken(narrow_server: EchoServer) -> None:
    """A message of exactly the limit is echoed; one octet more is refused."""
    with Client.open(narrow_server.port) as client:
        payload = b"x" * narrow_server.max_frame
        client.send(frame(BINARY, payload))
        client.expect(Message(payload, text=False))
        client.send(frame(BINARY, length=narrow_server.max_frame + 1))
        assert client.end_of({TOO_LARGE}) == []


@pytest.mark.parametrize("size", [1, 100, 60000])
def test_fragments_without_end_are_refused(narrow_server: EchoServer, size: int) -> None:
    """Fragments that together exceed the limit are answered with 1009, however small each of them is."""
    with Client.open(narrow_server.port) as client:
        client.send(frame(TEXT, b"y" * size, fin=False))
        count = narrow_server.max_frame // size
        client.send(frame(CONTINUATION, b"y" * size, fin=False) * count)
        assert client.end_of({TOO_LARGE}) == []


def test_empty_fragments_without_end_cost_nothing(server: EchoServer) -> None:
    """Empty fragments of a message that never ends fill no memory; the server may refuse them as too many."""
    before = server.memory()
    with Client.open(server.port) as client:
        client.send(frame(TEXT, fin=False))
        part = frame(CONTINUATION, fin=False) * 1000
        for _ in range(300):
            if client.send(part) < len(part):
                break
        if not client.reset and not client.ended:
            client.send(frame(CONTINUATION, b"z") + frame(PING, b"through"))
        events = client_events(client, until=Pong(b"through"))
        assert events == [Message(b"z", text=True), Pong(b"through")] or refused(events)
        assert server.memory() - before < ALLOWANCE


def test_tiny_fragments_cost_about_their_bytes(server: EchoServer) -> None:
    """A million fragments of two octets cost about what their octets do; the server may refuse them as too many."""
    before = server.memory()
    with Client.open(server.port) as client:
        client.send(frame(BINARY, fin=False))
        part = frame(CONTINUATION, b"\xfe\x01", fin=False) * 1000
        for _ in range(1000):
            if client.send(part) < len(part):
                break
        if not client.reset and not client.ended:
            client.send(frame(PING, b"through"))
        events = client_events(client, until=Pong(b"through"))
        assert events == [Pong(b"through")] or refused(events)
        assert server.memory() - before < ALLOWANCE


def client_events(client: Client, until: object) -> list[object]:
    """Return the events up to one, or up to the end."""
    events: list[object] = []
    while (event := client.next()) is not None:
        events.append(event)
        if event == until:
            break
    return events


def refused(events: list[object]) -> bool:
    """Say whether the connection was closed for too much."""
    return len(events) == 1 and isinstance(events[0], Close) and events[0].code in (1008, TOO_LARGE)


def test_a_frame_without_a_mask_is_a_protocol_error(server: EchoServer) -> None:
    """A client has to mask."""
    for opcode in (TEXT, BINARY, PING, PONG):
        with Client.open(server.port) as client:
            client.send(frame(opcode, b"bare", mask=None))
            assert client.end_of({PROTOCOL_ERROR}) == []


# --------------------------------------------------------------------------------------------- clients that don't read


def test_pings_without_reading_fill_no_memory(server: EchoServer) -> None:
    """A flood of pings whose sender does not read is bounded; once it reads, the pongs are pongs to its pings."""
    before = server.memory()
    with Client.open(server.port, receive_buffer=4096) as client:
        payload = b"%0125d"
        sent = 0
        while sent < 400_000:  # 52 MB
            block = b"".join(frame(PING, payload % i) for i in range(sent, sent + 1000))
            went = client.send(block, read=False, seconds=0.5)
            if went < len(block):
                break
            sent += 1000
        assert server.memory() - before < ALLOWANCE
        # Reading now, though a ping may be cut off: what has come is whole pongs, in order.
        seen = -1
        try:
            while (event := client.next(1)) is not None:
                if isinstance(event, Close):
                    break
                assert isinstance(event, Pong)
                assert int(event.payload) > seen
                seen = int(event.payload)
        except TimeoutError:
            assert seen >= 0


def test_pongs_without_end_are_nothing(server: EchoServer) -> None:
    """A flood of pongs that nobody asked for is read and forgotten."""
    before = server.memory()
    with Client.open(server.port) as client:
        block = frame(PONG, b"p" * 125) * 1000
        for _ in range(200):
            client.send(block)
        client.round_trip(b"after the pongs")
        assert server.memory() - before < ALLOWANCE
        client.end_well()


@pytest.mark.parametrize("size", [100, 65536, MiB])
def test_a_client_that_never_reads_fills_no_memory(server: EchoServer, size: int) -> None:
    """Who sends and never reads its echo is held back or closed; what the server holds for it stays bounded."""
    with Client.open(server.port) as client:  # so that the buffers of one large message exist already
        client.send(frame(BINARY, bytes(size)))
        client.expect(Message(bytes(size), text=False))
        client.end_well()
    before = server.memory()
    with Client.open(server.port, receive_buffer=4096) as client:
        block = frame(BINARY, bytes(size)) * max(1, 65536 // size)
        sent = stuff(client, block, 256 * MiB, patience=1)
        assert server.memory() - before < ALLOWANCE + 8 * size, f"{sent} bytes were taken"
        assert sent < 256 * MiB, "all was taken, though nothing was read"


def test_who_reads_again_loses_nothing_or_is_closed(server: EchoServer) -> None:
    """Who stalls and then reads gets every echo whole and in order, up to the last or up to a close frame."""
    count, end = 0, b"all is sent"
    with Client.open(server.port, receive_buffer=4096) as client:
        while count < 4000:
            block = frame(BINARY, b"%08d" % count + bytes(8192))
            went = client.send(block, read=False, seconds=0.3)
            count += 1
            if went < len(block):
                client.send(block[went:])  # reading from here on
                break
        client.send(frame(BINARY, end))
        for at in range(count):
            event = client.next()
            if event is None or isinstance(event, Close):
                assert at > 0
                break
            assert event == Message(b"%08d" % at + bytes(8192), text=False)
        else:
            client.expect(Message(end, text=False))
            client.end_well()


def test_half_closed_connections_are_let_go(server: EchoServer) -> None:
    """Whose sending side is shut down, in the midst of a frame or not, is let go by the server too."""
    for behind in (b"", frame(TEXT, b"half a frame")[:9], frame(TEXT, b"half", fin=False)):
        clients = [Client.open(server.port) for _ in range(50)]
        for client in clients:
            client.send(behind)
            client.sock.shutdown(socket.SHUT_WR)
        for client in clients:
            with client:
                client.close_sent = True  # nothing can be answered any more
                assert all(isinstance(event, Close) for event in client.rest())
    # In the midst of the handshake, and before it.
    for before in (b"", upgrade()[:60]):
        with Client(server.port) as client:
            client.send(before)
            client.sock.shutdown(socket.SHUT_WR)
            assert client.answer() in (None, 400, 408)


@pytest.mark.parametrize(
    "sent",
    [b"", frame(BINARY, bytes(1000))[:500], frame(TEXT, b"x", fin=False), frame(BINARY, bytes(300_000)) * 3],
    ids=["idle", "mid-frame", "mid-message", "mid-echo"],
)
def test_resets_are_no_event(server: EchoServer, sent: bytes) -> None:
    """A connection that is reset, wherever it stands, is let go without a word."""
    for _ in range(100):
        client = Client.open(server.port, receive_buffer=4096)
        client.send(sent, read=False, seconds=0.05)
        client.abort()


def test_resets_amid_handshakes_are_no_event(server: EchoServer) -> None:
    """A handshake that is reset, at any octet, is let go without a word."""
    request = upgrade()
    for end in range(len(request) + 1):
        client = Client(server.port)
        client.send(request[:end])
        client.abort()


# -------------------------------------------------------------------------------------------------------- handshakes


@pytest.mark.parametrize(
    "changed",
    [
        {"Sec_WebSocket_Key": None},
        {"Sec_WebSocket_Key": ""},
        {"Sec_WebSocket_Key": "c2hvcnQ="},
        {"Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZSBhbmQgbW9yZQ=="},
        {"Sec_WebSocket_Key": "!!!! no base64 !!!!!!!=="},
        {"Sec_WebSocket_Key": "AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Key: BBBBBBBBBBBBBBBBBBBBBA=="},
        {"Sec_WebSocket_Key": "AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="},
    ],
    ids=["missing", "empty", "short", "long", "not base64", "two", "the same twice"],
)
def test_a_wrong_key_is_a_bad_request(server: EchoServer, changed: dict[str, str | None]) -> None:
    """A handshake whose key is not one key of 16 octets is answered with 400."""
    with Client(server.port) as client:
        client.send(upgrade(**changed))
        assert client.answer() == 400


@pytest.mark.parametrize("version", ["8", "12", "14", "0", "013", "x", "255", None])
def test_a_wrong_version_is_told_the_right_one(server: EchoServer, version: str | None) -> None:
    """A handshake for another version is answered with 426 and the version that is spoken; for none, 400 will do."""
    with Client(server.port) as client:
        client.send(upgrade(Sec_WebSocket_Version=version))
        response = client.response()
        assert response.status == 426 or (response.status == 400 and version in (None, "x", "013"))
        if response.status == 426:
            assert response.headers["sec-websocket-version"] == "13"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"GET / HTTP/1.1", b"POST / HTTP/1.1"),
        (b"GET / HTTP/1.1", b"HEAD / HTTP/1.1"),
        (b"GET / HTTP/1.1", b"GET / HTTP/1.0"),
        (b"Upgrade: websocket", b"Upgrade: h2c"),
        (b"Upgrade: websocket\r\n", b""),
        (b"Connection: Upgrade", b"Connection: keep-alive"),
        (b"Connection: Upgrade\r\n", b""),
        (b"Host: localhost\r\n", b""),
    ],
    ids=["POST", "HEAD", "HTTP/1.0", "h2c", "no Upgrade", "keep-alive", "no Connection", "no Host"],
)
def test_what_is_no_handshake_is_not_upgraded(server: EchoServer, old: bytes, new: bytes) -> None:
    """A request that is no WebSocket handshake gets an HTTP answer: not 101, and no fault of the server's."""
    request = upgrade()
    assert old in request
    with Client(server.port) as client:
        client.send(request.replace(old, new))
        status = client.response().status
        if b"Host" in old:  # many a server takes it all the same
            assert status in (101, 400)
        else:
            assert 400 <= status < 500 or status in (200, 505)


def test_header_names_and_tokens_have_no_case(server: EchoServer) -> None:
    """Headers are read as HTTP says: any case, and lists of tokens."""
    request = upgrade(Connection=None, Upgrade=None)[:-2]
    request += b"connection: keep-alive, UPGRADE\r\nuPGRADE: WebSocket\r\n\r\n"
    with Client(server.port) as client:
        client.send(request)
        client.be_upgraded(client.response())
        client.round_trip(b"any case")
        client.end_well()


@pytest.mark.parametrize("size", [1, 2, 7, 40])
def test_a_handshake_may_come_in_pieces(server: EchoServer, size: int) -> None:
    """However the request is cut, and with frames behind it, it is one handshake."""
    with Client(server.port) as client:
        client.send_chopped(upgrade() + frame(TEXT, b"cut") + frame(PING, b"too"), size)
        client.be_upgraded(client.response())
        client.expect(Message(b"cut", text=True), Pong(b"too"))
        client.end_well()


def test_frames_behind_the_handshake_are_read(server: EchoServer) -> None:
    """Frames in the same packet as the request are echoed, and half a frame is kept until its rest comes."""
    large = frame(BINARY, bytes(100_000))
    behind = frame(TEXT, b"early") + frame(PING, b"bird") + large
    for cut in (len(behind), len(behind) - 50_000, 5, 1):
        with Client.open(server.port, behind=behind[:cut]) as client:
            client.send(behind[cut:])
            client.expect(Message(b"early", text=True), Pong(b"bird"), Message(bytes(100_000), text=False))
            client.end_well()


def test_a_fault_behind_the_handshake_is_answered(server: EchoServer) -> None:
    """A wrong frame or a close frame in the same packet as the request is answered as anywhere."""
    with Client.open(server.port, behind=frame(TEXT, b"x", rsv=1)) as client:
        assert client.end_of({PROTOCOL_ERROR}) == []
    with Client.open(server.port, behind=close_frame(1000)) as client:
        client.close_sent = True
        assert client.end_of({1000}) == []


def test_http_is_served_on_the_same_port(server: EchoServer) -> None:
    """Ordinary requests get ordinary answers, several on one connection."""
    with Client(server.port) as client:
        for path in (b"/nowhere", b"/", b"/nowhere/else"):
            client.send(b"GET " + path + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
            response = client.response()
            assert 200 <= response.status < 500
            assert b"/nowhere" not in path or response.status == 404


def test_pipelined_requests_are_answered_before_the_upgrade(server: EchoServer) -> None:
    """Requests and a handshake in one packet: the answers come in order, and no byte of one gets among another's.

    After a plain answer the server may end the connection instead, or refuse the handshake.
    """
    plain = b"GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with Client(server.port) as client:
        client.send(plain * 3 + upgrade() + frame(TEXT, b"at last"))
        statuses: list[int] = []
        while (status := client.answer()) is not None:
            statuses.append(status)
            if status == 101 or (len(statuses) == 4 and status >= 400):
                break
        assert statuses[:3] == [404, 404, 404][: len(statuses)]
        assert statuses
        if statuses[-1] == 101:
            assert len(statuses) == 4
            client.upgraded = True
            client.reader.feed(bytes(client.raw))
            client.expect(Message(b"at last", text=True))
            client.end_well()


def test_an_upgrade_after_an_answer_is_an_upgrade(server: EchoServer) -> None:
    """A connection that served ordinary requests can be upgraded still."""
    with Client(server.port) as client:
        for _ in range(2):
            client.send(b"GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert client.response().status == 404
        client.send(upgrade())
        client.be_upgraded(client.response())
        client.round_trip(b"late")
        client.end_well()


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x00" * 400,
        b"\xff\xfe" * 200,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)) * 2,
        b"hello, is anybody there?\r\n\r\n",
        b"\r\n" * 2000 + b"\x01",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET  /  HTTP/1.1\r\nHost localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nBad\x00Name: x\r\n\r\n",
        frame(TEXT, b"no handshake") * 10,
    ],
    ids=["zeros", "high", "TLS", "words", "newlines", "HTTP/9.9", "spaces", "length", "name", "frames"],
)
def test_garbage_is_refused(server: EchoServer, garbage: bytes) -> None:
    """Bytes that are no HTTP are answered with an error, or the connection is closed; never with a fault."""
    with Client(server.port) as client:
        client.send(garbage)
        status = client.answer()
        assert status is None or 400 <= status < 500 or status == 505


@pytest.mark.parametrize("piece", [b"x" * 65536, b"X-Many: header\r\n" * 4096], ids=["one header", "many headers"])
def test_a_header_without_end_is_refused(server: EchoServer, piece: bytes) -> None:
    """A head that never ends is answered with 431 (or 400, 408, 413) or closed, and fills no memory."""
    before = server.memory()
    with Client(server.port) as client:
        client.send(upgrade()[:-2] + b"X-Long: ")
        stuff(client, piece, 32 * MiB, patience=HANDSHAKE + 5)
        assert server.memory() - before < ALLOWANCE
        assert client.answer() in (None, 400, 408, 413, 431)


def test_slow_handshakes_are_ended(server: EchoServer) -> None:
    """Whoever does not finish the handshake in ten seconds is answered with 408 or closed: silent, slow or stuck.

    An octet a second keeps nobody in. Who paused, but was in time, stays.
    """
    request = upgrade()
    starts = [b""] * 50 + [b"GET / HTTP/1.1\r\n"] * 5 + [request[:-1]] * 5
    stuck = [Client(server.port) for _ in starts]
    for client, start in zip(stuck, starts, strict=True):
        client.send(start)
    with Client(server.port) as paused, Client(server.port) as slow:
        paused.send(request[:50])
        for at in range(int(HANDSHAKE) + 6):
            if slow.ended or slow.reset:
                break
            if at == 3:
                paused.send(request[50:])
                paused.be_upgraded(paused.response())
            slow.send(request[at : at + 1])
            slow.more(1)  # a second for the next octet, or less where the end comes
        assert slow.ended or slow.reset, "an octet a second kept it in"
        assert slow.answer() in (None, 400, 408)
        for client in stuck:
            with client:
                assert client.answer() in (None, 400, 408)
        paused.round_trip(b"still here")
        paused.end_well()


# ----------------------------------------------------------------------------------------------------- a last word


@pytest.mark.parametrize("after", [close_frame(1000), frame(TEXT, b"\xff"), frame(3)], ids=["close", "1007", "1002"])
def test_who_never_ends_its_side_is_let_go(server: EchoServer, after: bytes) -> None:
    """After the last close frame the server ends the connection, though the client answers nothing and goes on."""
    client = Client.open(server.port)
    with client:
        client.close_sent = True  # no answer of ours
        client.send(after)
        assert [type(event) for event in client.rest()] == [Close]
