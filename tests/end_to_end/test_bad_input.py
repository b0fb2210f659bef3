"""Bad input: content never ends a connection by itself, the protocol's faults end it with their code."""

import asyncio
import io
import json
import socket
import struct
from typing import Any

import pytest

from tests.support.client import Client, connected
from tests.support.judge import Judge
from tests.support.server import Running, running
from tests.support.source import ManualSource

SUBSCRIBE = '{"type":"bars.subscribe","payload":{"symbol":"AAA","resolution":"1","id":"me"}}'


def subscribe_with(**members: Any) -> str:
    """Return a subscription with some members of its payload replaced."""
    return json.dumps({"type": "bars.subscribe", "payload": {"symbol": "AAA", "resolution": "1", "id": 7} | members})


BAD_FRAMES: dict[str, tuple[str, str, object]] = {
    "empty": ("", "bad_request", None),
    "space": (" ", "bad_request", None),
    "not json": ("hello", "bad_request", None),
    "truncated": (SUBSCRIBE[:-1], "bad_request", None),
    "two values": (SUBSCRIBE + SUBSCRIBE, "bad_request", None),
    "byte order mark": ("\ufeff" + SUBSCRIBE, "bad_request", None),
    "nul": ("\x00", "bad_request", None),
    "nan": ('{"type":"ping","payload":{"id":NaN}}', "bad_request", None),
    "infinity": ('{"type":"ping","payload":{"id":-Infinity}}', "bad_request", None),
    "overflow": ('{"type":"ping","payload":{"id":1e400}}', "bad_request", None),
    "duplicate key": ('{"type":"ping","type":"ping"}', "bad_request", None),
    "duplicate key inside": ('{"type":"ping","payload":{"id":1,"id":2}}', "bad_request", None),
    "deep array": ("[" * 16_000, "bad_request", None),
    "deep array, closed": ("[" * 8_000 + "]" * 8_000, "bad_request", None),
    "deep object": ('{"a":' * 2_700 + "1" + "}" * 2_700, "bad_request", None),
    "deep inside": ('{"type":"ping","payload":{"x":' + "[" * 7_000 + "]" * 7_000 + "}}", "bad_request", None),
    "number of 400 digits": ('{"type":"ping","payload":{"id":' + "9" * 400 + "}}", "bad_request", None),
    "number of 5000 digits": ('{"type":"ping","payload":{"id":' + "9" * 5000 + "}}", "bad_request", None),
    "lone surrogate": ('{"type":"ping","payload":{"id":"\\ud800"}}', "bad_request", None),
    "lone surrogate symbol": ('{"type":"bars.subscribe","payload":{"symbol":"\\udfff","id":3}}', "bad_request", 3),
    "lone surrogate key": ('{"type":"ping","\\ud800":1}', "bad_request", None),
    "array": ("[]", "bad_request", None),
    "string": ('"ping"', "bad_request", None),
    "null": ("null", "bad_request", None),
    "number": ("1", "bad_request", None),
    "no type": ('{"payload":{"id":4}}', "bad_request", 4),
    "type null": ('{"type":null,"payload":{"id":4}}', "bad_request", 4),
    "type number": ('{"type":1}', "bad_request", None),
    "type object": ('{"type":{}}', "bad_request", None),
    "unknown type": ('{"type":"bars.nope","payload":{"id":"u"}}', "unknown_type", "u"),
    "the server's own type": ('{"type":"bars.ack","payload":{"id":8}}', "unknown_type", 8),
    "type in other case": ('{"type":"PING"}', "unknown_type", None),
    "payload missing": ('{"type":"bars.subscribe"}', "bad_request", None),
    "payload null": ('{"type":"bars.subscribe","payload":null}', "bad_request", None),
    "payload array": ('{"type":"bars.subscribe","payload":[]}', "bad_request", None),
    "symbol missing": ('{"type":"bars.subscribe","payload":{"id":9}}', "bad_request", 9),
    "symbol null": (subscribe_with(symbol=None), "bad_request", 7),
    "symbol number": (subscribe_with(symbol=5), "bad_request", 7),
    "symbol list": (subscribe_with(symbol=["AAA"]), "bad_request", 7),
    "symbol too long": (subscribe_with(symbol="x" * 129), "bad_request", 7),
    "resolution number": (subscribe_with(resolution=1), "bad_request", 7),
    "resolution null": (subscribe_with(resolution=None), "bad_request", 7),
    "resolution too long": (subscribe_with(resolution="1" * 65), "bad_request", 7),
    "id null": (subscribe_with(id=None), "bad_request", None),
    "id true": (subscribe_with(id=True), "bad_request", None),
    "id float": (subscribe_with(id=1.5), "bad_request", None),
    "id object": (subscribe_with(id={}), "bad_request", None),
    "id too long": (subscribe_with(id="x" * 65), "bad_request", None),
    "id too large": (subscribe_with(id=2**53), "bad_request", None),
    "unsubscribe without symbol": ('{"type":"bars.unsubscribe","payload":{"id":"z"}}', "bad_request", "z"),
    "ping with a wrong payload": ('{"type":"ping","payload":5}', "bad_request", None),
}


async def expect_error(client: Client, frame: str, code: str, request_id: object) -> dict[str, Any]:
    """Send a bad frame; returns the error's payload."""
    await client.raw(frame)
    message = await client.receive()
    assert message["type"] == "error"
    payload: dict[str, Any] = message["payload"]
    assert payload["code"] == code, payload
    assert payload.get("id") == request_id, payload
    return payload


@pytest.mark.parametrize("name", BAD_FRAMES)
async def test_bad_content_is_answered_and_the_socket_lives(name: str) -> None:
    """Each gets an error with the client's id where it could be read, in words of our own; then a request works."""
    frame, code, request_id = BAD_FRAMES[name]
    async with running([ManualSource()]) as server, connected(server.bars, Judge()) as client:
        payload = await expect_error(client, frame, code, request_id)
        for leak in ("Traceback", "Error:", "pydantic", "Input should", "Expecting", "/src/", "codec", "recursion"):
            assert leak not in payload["message"]
        assert len(payload["message"]) < 300
        assert (await client.subscribe("AAA", "1"))["status"] == "ok"


async def test_nineteen_bad_frames_are_forgiven_by_a_good_one_and_twenty_in_a_row_end_it() -> None:
    """The count starts over with each frame that is understood; the twentieth is still answered."""
    async with running([ManualSource()]) as server, connected(server.bars, Judge()) as client:
        for _ in range(19):
            await expect_error(client, "x", "bad_request", None)
        assert (await client.request("ping"))["type"] == "pong"
        for _ in range(20):
            await expect_error(client, "x", "bad_request", None)
        assert await client.closed() == 4502


async def test_members_that_the_server_does_not_know_are_ignored() -> None:
    """A newer client's extra members and integers written as 5.0 do no harm."""
    frame = (
        '{"type":"bars.subscribe","more":[1],"payload":{"symbol":"AAA","resolution":"1","id":5.0,"later":{"x":1e3}}}'
    )
    async with running([ManualSource()]) as server, connected(server.bars, Judge()) as client:
        await client.raw(frame)
        ack = (await client.receive())["payload"]
        assert (ack["status"], ack["id"]) == ("ok", 5)


async def test_too_many_frames_at_once_are_refused_and_the_connection_lives() -> None:
    """All but the burst are answered with when to come again and their id; obeying it, the client goes on."""
    limited = running([ManualSource()], frames_per_second=5, frames_burst=10)
    async with limited as server, connected(server.bars, Judge()) as client:
        for number in range(15):
            await client.send("ping", {"id": number})
        await client.raw('{"type":"ping","payload":{"id":"no JSON"')
        messages = [await client.receive() for _ in range(16)]
        assert [message["type"] for message in messages] == ["pong"] * 10 + ["error"] * 6
        assert [message["payload"].get("id") for message in messages] == [*range(15), None]
        assert {message["payload"]["code"] for message in messages[10:]} == {"rate_limited"}
        wait = messages[-1]["payload"]["retry_after_ms"]
        assert 0 < wait <= 200
        await asyncio.sleep(wait / 1000)
        assert (await client.request("ping"))["type"] == "pong"


async def test_who_keeps_exceeding_the_rate_is_ended() -> None:
    """Frames without a pause are an excess again and again: 4005."""
    limited = running([ManualSource()], frames_per_second=100, frames_burst=2)
    async with limited as server, connected(server.bars, Judge()) as client:

        async def flood() -> None:
            while True:
                await client.send("ping")
                await asyncio.sleep(0)

        task = asyncio.create_task(flood())
        assert await client.closed() == 4005
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_binary_frame_ends_the_connection() -> None:
    """1003, also when its bytes are a good message."""
    async with running([ManualSource()]) as server, connected(server.bars, Judge()) as client:
        await client.raw(SUBSCRIBE.encode())
        assert await client.closed() == 1003


async def test_a_frame_larger_than_the_limit_ends_the_connection() -> None:
    """16 KiB are taken, one byte more is 1009; a message in fragments counts as a whole."""
    async with running([ManualSource()]) as server:
        async with connected(server.bars, Judge()) as client:
            start = '{"type":"ping","payload":{"x":"'
            frame = start + "x" * (16 * 1024 - len(start) - 3) + '"}}'
            assert len(frame) == 16 * 1024
            await client.raw(frame)
            assert (await client.receive())["type"] == "pong"
            await client.raw(frame + " ")
            assert await client.closed() == 1009
        async with connected(server.bars, Judge()) as client:
            await client.connection.send(iter(["x" * 9000, "y" * 9000]))
            assert await client.closed() == 1009


class RawSocket:
    """A WebSocket written by hand, to break its protocol."""

    def __init__(self, port: int) -> None:
        """Connect and shake hands."""
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.socket.sendall(
            b"GET /api/v1/ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        head = b""
        while b"\r\n\r\n" not in head:
            head += self.socket.recv(4096)
        assert b" 101 " in head.split(b"\r\n")[0]

    def send(self, first: int, payload: bytes, *, masked: bool = True) -> None:
        """Send a frame whose first byte is given; masked with zeros, as a client must."""
        assert len(payload) < 126
        self.socket.sendall(
            bytes([first, (0x80 if masked else 0) | len(payload)]) + (bytes(4) if masked else b"") + payload
        )

    def close_frame(self) -> tuple[int, str]:
        """Read up to the server's close frame; returns its code and reason."""
        data = b""
        while chunk := self.socket.recv(4096):
            data += chunk
        self.socket.close()
        at = 0
        while data[at] != 0x88:  # only short frames come here
            at += 2 + data[at + 1]
        code: int = struct.unpack("!H", data[at + 2 : at + 4])[0]
        return code, data[at + 4 : at + 2 + data[at + 1]].decode()


@pytest.mark.parametrize(
    ("code", "first", "payload", "masked"),
    [
        (1007, 0x81, b"\xff\xfe", True),
        (1007, 0x81, b"\xed\xa0\x80", True),
        (1002, 0x81, b"{}", False),
        (1002, 0x83, b"{}", True),
        (1002, 0xC1, b"{}", True),
        (1002, 0x09, b"", True),
        (1002, 0x80, b"", True),
        (1002, 0x88, b"\x03", True),
    ],
    ids=["not utf-8", "surrogate", "unmasked", "reserved opcode", "reserved bit", "cut ping", "orphan", "bad close"],
)
async def test_faults_of_the_protocol_end_the_connection(
    code: int, first: int, payload: bytes, log: io.StringIO, *, masked: bool
) -> None:
    """Each with the code of RFC 6455 and the document's text, and without a traceback in the log."""

    def talk(server: Running) -> tuple[int, str]:
        raw = RawSocket(server.port)
        raw.send(first, payload, masked=masked)
        return raw.close_frame()

    judge = Judge()
    async with running([ManualSource()]) as server:
        got, reason = await asyncio.to_thread(talk, server)
        assert got == code
        judge.close(got, reason)
    assert "Traceback" not in log.getvalue()


@pytest.mark.parametrize(
    "path", ["/", "/api/v1/ws/", "/api/v1/wss", "/api/v1", "/API/V1/WS", "//api/v1/ws", "/api/v1/ws%2F", "/asyncapi"]
)
async def test_an_unknown_address_is_404_with_a_reason(path: str) -> None:
    """Before the upgrade, as JSON with code and message."""
    from websockets.exceptions import InvalidStatus

    async with running([ManualSource()]) as server:
        with pytest.raises(InvalidStatus) as refused:
            async with connected(f"ws://127.0.0.1:{server.port}{path}", Judge()):
                raise AssertionError("the address was accepted")
        response = refused.value.response
        assert response.status_code == 404
        assert set(json.loads(response.body or b"")) == {"code", "message"}
