"""Handshakes, as generated: what a document asks of them is checked before `serve`, in one order, from strings."""

import asyncio
import contextlib
import importlib
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import unquote, urlencode

import pytest
import uvicorn
from fastapi import FastAPI, WebSocket
from fastapi.responses import JSONResponse
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from codegen.generate import generate, load
from tests.codegen.support import document_of

Load = Callable[[str, str], ModuleType]
DOCUMENT = document_of("handshake").read_text()
BEARER = ("Authorization", "Bearer good")


@dataclass(frozen=True)
class Card:
    """Whom a token of these tests names."""

    name: str
    scopes: frozenset[str]


ALL = frozenset({"books:read", "books:open", "shelves:write"})
CARDS = {"good": Card("Ada", ALL), "also.good": Card("Bo", ALL), "reader": Card("Cy", frozenset({"books:read"}))}


class Operations:
    """Every operation of the document, and of what becomes of it."""

    def __getattr__(self, name: str) -> Callable[..., Awaitable[None]]:
        async def handle(*_: object) -> None:
            return None

        return handle


class Library:
    """Hand-written code on a generated package. It is the same whatever the document says."""

    def __init__(self, package: Callable[[str], ModuleType], **options: Any) -> None:
        self._refusal = package("refusals").Refusal
        self.outcomes: list[Any] = []
        self.asked: list[str] = []
        router = package("router")
        channels = package("channels").CHANNELS
        operations = {channel.id: Operations() for channel in channels}
        self.app = FastAPI()
        self.app.include_router(
            router.create_router(self._serve, self._refuse, authenticator=self, **operations, **options)
        )
        self.app.router.default = self._unrouted

    async def authenticate(self, token: str, /) -> Any:
        """Know the tokens of `CARDS` and no other."""
        self.asked.append(token)
        if token in CARDS:
            return CARDS[token]
        return self._refusal(401, "unauthorized", "The token is not known.")

    async def _serve(self, connection: Any) -> None:
        self.outcomes.append(connection)
        await connection.websocket.accept(subprotocol=connection.subprotocol)
        await connection.websocket.close()

    async def _refuse(self, websocket: WebSocket, channel: Any, refusal: Any) -> None:
        del channel
        self.outcomes.append(refusal)
        body = {"code": refusal.code, "message": refusal.message}
        await websocket.send_denial_response(JSONResponse(body, status_code=refusal.status))

    async def _unrouted(self, scope: Any, receive: Any, send: Any) -> None:
        await self._refuse(WebSocket(scope, receive, send), None, self._refusal(404, "unrouted", "Nothing here."))

    async def knock(
        self,
        path: str = "/desk",
        *headers: tuple[str, str],
        query: Sequence[tuple[str, str]] = (),
        subprotocols: Iterable[str] = (),
        raw: bool = True,
        **more: Any,
    ) -> Any:
        """Return what a handshake comes to: a Connection or a Refusal. `path` is as it is sent."""
        scope = {
            "type": "websocket",
            "path": unquote(path),
            "query_string": urlencode(list(query)).encode(),
            "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in headers],
            "subprotocols": list(subprotocols),
            "extensions": {"websocket.http.response": {}},
            **({"raw_path": path.encode()} if raw else {}),
            **more,
        }

        async def receive() -> Any:
            return {"type": "websocket.connect"}

        async def send(message: Any) -> None:
            del message

        before = len(self.outcomes)
        await self.app(scope, receive, send)
        assert len(self.outcomes) == before + 1
        return self.outcomes[-1]


def of_case(load_module: Load, case: str) -> Callable[[str], ModuleType]:
    """Return what imports a module of a golden case."""
    return lambda module: load_module(case, module)


@pytest.fixture
def library(load_module: Load) -> Library:
    """Return the hand-written code on the golden case."""
    return Library(of_case(load_module, "handshake"))


CARRIAGES: dict[str, dict[str, Any]] = {
    "header": {"headers": [BEARER]},
    "header in other letters": {"headers": [("authorization", "bEARER   good")]},
    "query": {"query": [("card", "good")]},
    "subprotocol": {"subprotocols": ["bearer.good", "library.v1"]},
    "subprotocol alone": {"subprotocols": ["bearer.good"]},
    "all of them": {"headers": [BEARER], "query": [("card", "good")], "subprotocols": ["bearer.good"]},
    "twice in a query": {"query": [("card", "good"), ("card", "good")]},
    "two headers": {"headers": [BEARER, BEARER]},
    "with dots": {"subprotocols": ["bearer.also.good"]},
}


@pytest.mark.parametrize("carriage", CARRIAGES)
async def test_a_token_is_read_from_each_carriage(library: Library, carriage: str) -> None:
    """Each place that the document lists holds the token, and the same token in several is one."""
    sent = dict(CARRIAGES[carriage])
    connection = await library.knock("/desk", *sent.pop("headers", ()), **sent)
    assert connection.principal.name in ("Ada", "Bo")
    assert len(library.asked) == 1


BAD: dict[str, dict[str, Any]] = {
    "header and query": {"headers": [BEARER], "query": [("card", "also.good")]},
    "header and subprotocol": {"headers": [BEARER], "subprotocols": ["bearer.also.good"]},
    "query and subprotocol": {"query": [("card", "good")], "subprotocols": ["bearer.also.good"]},
    "two headers": {"headers": [BEARER, ("Authorization", "Bearer also.good")]},
    "two in a query": {"query": [("card", "good"), ("card", "also.good")]},
    "two subprotocols": {"subprotocols": ["bearer.good", "bearer.also.good"]},
    "an empty query": {"query": [("card", "")]},
    "an empty query beside another": {"query": [("card", "")], "headers": [BEARER]},
    "an empty subprotocol": {"subprotocols": ["bearer.", "library.v1"]},
    "an empty header": {"headers": [("Authorization", "")]},
    "no token in the header": {"headers": [("Authorization", "Bearer")]},
    "another scheme": {"headers": [("Authorization", "Basic Z29vZA==")]},
    "two words": {"headers": [("Authorization", "Bearer good good")]},
    "a comma": {"headers": [("Authorization", "Bearer good, Bearer good")]},
    "no blank": {"headers": [("Authorization", "Bearergood")]},
    "one that nobody knows": {"headers": [("Authorization", "Bearer bad")]},
    "an unknown one in the query": {"query": [("card", "b\u00e4d\x00")]},
}


@pytest.mark.parametrize("sent", BAD)
async def test_a_bad_token_is_refused_where_none_is_needed(library: Library, sent: str) -> None:
    """Two different tokens, an empty one, a malformed header and an unknown one are 401, and show no token."""
    what = dict(BAD[sent])
    refusal = await library.knock("/desk", *what.pop("headers", ()), **what)
    assert (refusal.status, refusal.code) == (401, "unauthorized")
    assert "good" not in refusal.message
    if "unknown" not in sent and "nobody" not in sent:
        assert library.asked == []


async def test_an_optional_token_may_be_absent(library: Library) -> None:
    """Without a token a client enters a channel where it is optional, as nobody."""
    assert (await library.knock("/desk")).principal is None


async def test_a_setting_makes_an_optional_token_compulsory(load_module: Load) -> None:
    """`require_token` names channels; the others stay as the document has them, and an unknown id is an error."""
    package = of_case(load_module, "handshake")
    strict = Library(package, require_token=("desk",))
    assert (await strict.knock("/desk")).status == 401
    assert (await strict.knock("/desk", BEARER)).principal.name == "Ada"
    for wrong in (("nowhere",), ("loan",), "desk"):
        with pytest.raises(ValueError, match="No channel that knows a token"):
            Library(package, require_token=wrong)


async def test_a_compulsory_token_must_be_there(library: Library) -> None:
    """A channel that isn't optional refuses a client without a token."""
    assert (await library.knock("/shelves/first")).status == 401
    assert (await library.knock("/shelves/first", BEARER)).principal.name == "Ada"


async def test_only_listed_carriages_are_read(library: Library) -> None:
    """A channel without a query scheme ignores the query; one without subprotocols ignores `bearer.`; and so on."""
    assert (await library.knock("/shelves/first", query=[("card", "good")])).status == 401
    assert (await library.knock("/shelves/first", subprotocols=["bearer.good"])).status == 401
    assert (await library.knock("/shelves/first", ("X-Card", "good"))).status == 401
    assert (await library.knock("/shelves/first", BEARER, query=[("card", "bad")])).principal.name == "Ada"
    assert (await library.knock("/shelves/7", ("x-cArd", "good"))).principal.name == "Ada"
    assert (await library.knock("/shelves/7", BEARER, ("X-Card", "also.good"))).status == 401
    assert (await library.knock("/loans/map/x", ("Authorization", "Bearer bad"))).principal is None
    assert library.asked == ["good", "good"]


async def test_scopes_are_all_needed(library: Library) -> None:
    """A token without each scope of the channel is 403, and the sentence names what is missing."""
    refusal = await library.knock("/shelves/7", ("Authorization", "Bearer reader"))
    assert (refusal.status, refusal.code) == (403, "forbidden")
    assert refusal.message == "The token lacks the scope shelves:write."
    refusal = await library.knock("/shelves/7/Title", ("Authorization", "Bearer reader"), query=[("hand", "left")])
    assert refusal.message == "The token lacks the scope books:open."


async def test_the_order_of_the_checks(load_module: Load) -> None:
    """Address, token, `admit`, scopes, parameters: the first that fails answers, and the later ones don't run."""
    package = of_case(load_module, "handshake")
    refusal = package("refusals").Refusal
    closed = refusal(403, "origin", "Not from there.")
    answers: list[Any] = []
    admitted: list[WebSocket] = []

    def admit(websocket: WebSocket) -> Any:
        admitted.append(websocket)
        return answers[-1]

    library = Library(package, admit=admit)
    bad, reader = ("Authorization", "Bearer bad"), ("Authorization", "Bearer reader")
    answers.append(closed)
    assert (await library.knock("/shelves/0/", bad)).status == 404
    assert library.asked == []
    assert (await library.knock("/shelves/0", bad)).status == 401
    assert admitted == []
    assert await library.knock("/shelves/0", reader) is closed
    answers.append(None)
    assert (await library.knock("/shelves/0", reader)).status == 403
    assert (await library.knock("/shelves/0", reader)).code == "forbidden"
    assert (await library.knock("/shelves/0", BEARER)).status == 422
    assert (await library.knock("/shelves/1", BEARER)).parameters.shelf == 1
    answers.append(closed)
    assert await library.knock("/loans/map/x") is closed  # a channel that asks for no token is guarded, too


async def test_the_subprotocol_is_the_first_of_the_channel_that_is_offered(library: Library) -> None:
    """The server's order decides, not the client's; what isn't the channel's, and a token, is never echoed."""
    for offered, chosen in (
        (["library.v1", "library.v2"], "library.v2"),
        (["bearer.good", "library.v1"], "library.v1"),
        (["bearer.good"], None),
        (["chat"], None),
        ([], None),
    ):
        assert (await library.knock("/desk", subprotocols=offered)).subprotocol == chosen
    assert (await library.knock("/loans/map/x", subprotocols=["library.v1"])).subprotocol is None


async def test_no_token_is_kept_in_what_is_handed_on(library: Library) -> None:
    """Neither a connection nor a refusal shows the token."""
    for headers in ([BEARER], [("Authorization", "Bearer no-good")], [BEARER, ("Authorization", "Bearer also.good")]):
        assert "good" not in repr(await library.knock("/shelves/first", *headers))


ADDRESSES: dict[str, tuple[str, Any]] = {
    "/shelves/7": ("shelf", {"shelf": 7}),
    "/shelves/first": ("first", None),
    "/shelves/%37": ("shelf", {"shelf": 7}),
    "/%73helves/7": ("shelf", {"shelf": 7}),
    "/shelves/7/Title": ("book", {"shelf": 7, "book_title": "Title"}),
    "/shelves/7/A/B": ("book", {"shelf": 7, "book_title": "A/B"}),
    "/shelves/7/A%2FB": ("book", {"shelf": 7, "book_title": "A/B"}),
    "/shelves/7/A%2fB/C": ("book", {"shelf": 7, "book_title": "A/B/C"}),
    "/shelves/7/%C3%89": ("book", 422),
    "/shelves/7/A%20%C3%89": ("book", {"shelf": 7, "book_title": "A \u00c9"}),
    "/loans/map/x": ("loan", {"kind": "map", "name": "x"}),
    "/loans/book/a%3Fb": ("loan", {"kind": "book", "name": "a?b"}),
    "/loans/book/100%25": ("loan", {"kind": "book", "name": "100%"}),
}


@pytest.mark.parametrize("path", ADDRESSES)
async def test_an_address_is_read_as_it_was_sent(library: Library, path: str) -> None:
    """Wide and narrow addresses are told apart, and an encoded slash is the same as a raw one where one may be."""
    channel, wanted = ADDRESSES[path]
    outcome = await library.knock(path, BEARER, query=[("hand", "left")])
    if wanted == 422:
        assert outcome.status == 422
        return
    assert outcome.channel.id == channel
    assert (outcome.parameters and {name: getattr(outcome.parameters, name) for name in wanted}) == wanted


MALFORMED = [
    *("/shelves", "/shelves/", "/shelves/7/", "/shelves//7", "/shelves/7//A", "/shelves/7/A/", "/shelves/7/A%2F"),
    *("/shelves/7/A//B", "/shelves/7/%2FA", "/shelves/7/A%252FB", "/shelves/7/A%252fB", "/shelves/7%2FA"),
    *("/loans/map", "/loans/map/", "/loans/map/x/", "/loans/map/x/y", "/loans/map/x%2Fy", "/loans/map/x%252Fy"),
    *("/loans//x", "/loans/map/..", "/loans/map/%2E%2E", "/shelves/7/A/../B", "/loans/map/%FF", "/loans/map/%zz"),
    *("/loans/map/%", "/loans/map/%4", "/desk/", "//desk", "/nowhere", "/shelves%2Ffirst", "/shelves/first/"),
]


@pytest.mark.parametrize("path", MALFORMED)
async def test_a_malformed_address_is_unknown(library: Library, path: str) -> None:
    """A trailing slash, an empty value, a slash where none may be, one that is encoded twice: 404, tokens unread."""
    refusal = await library.knock(path, BEARER)
    assert refusal.status == 404
    assert library.asked == []


WRONG: dict[str, str] = {
    "/shelves/0": "shelf must be an integer from 1 to 99.",
    "/shelves/100": "shelf must be an integer from 1 to 99.",
    "/shelves/x": "shelf must be an integer from 1 to 99.",
    "/shelves/07": "shelf must be an integer from 1 to 99.",
    "/shelves/+7": "shelf must be an integer from 1 to 99.",
    "/shelves/7.0": "shelf must be an integer from 1 to 99.",
    "/shelves/%207": "shelf must be an integer from 1 to 99.",
    "/shelves/%D9%A7": "shelf must be an integer from 1 to 99.",
    f"/shelves/{'9' * 5000}": "shelf must be an integer from 1 to 99.",
    "/shelves/7/title": "book-title must be a string of at most 20 characters that matches ^[A-Z].",
    f"/shelves/7/{'A' * 21}": "book-title must be a string of at most 20 characters that matches ^[A-Z].",
    "/loans/disc/x": 'kind must be one of "book", "map".',
}


@pytest.mark.parametrize("path", WRONG, ids=lambda path: path[:24])
async def test_a_value_of_the_wrong_type_is_told(library: Library, path: str) -> None:
    """A value that the document doesn't allow is 422 with a sentence that names the parameter."""
    refusal = await library.knock(path, BEARER, query=[("hand", "left")])
    assert (refusal.status, refusal.code, refusal.message) == (422, "invalid_parameter", WRONG[path])


QUERIES: list[tuple[list[tuple[str, str]], Any]] = [
    ([("hand", "left")], ("left", 1, None, None)),
    ([("hand", "right"), ("page", "0"), ("zoom", "1.5e0"), ("aloud", "false")], ("right", 0, 1.5, False)),
    ([("hand", "left"), ("other", "x"), ("other", "y"), ("hand", "left")], ("left", 1, None, None)),
    ([], "hand must be sent."),
    ([("hand", "")], 'hand must be one of "left", "right".'),
    ([("hand", "left"), ("hand", "right")], "hand must be sent once."),
    ([("hand", "left"), ("page", "-1")], "page must be an integer of at least 0."),
    ([("hand", "left"), ("page", "")], "page must be an integer of at least 0."),
    ([("hand", "left"), ("zoom", "0")], "zoom must be a number above 0."),
    ([("hand", "left"), ("zoom", "1e999")], "zoom must be a number above 0."),
    ([("hand", "left"), ("zoom", "NaN")], "zoom must be a number above 0."),
    ([("hand", "left"), ("page", "1"), ("zoom", "1"), ("aloud", "1")], "aloud must be true or false."),
    ([("hand", "left"), ("aloud", "true")], "zoom must be sent beside aloud."),
    ([("hand", "left"), ("aloud", "true"), ("zoom", "1")], "page must be sent beside aloud."),
]


@pytest.mark.parametrize(("query", "wanted"), QUERIES)
async def test_a_query_is_typed(library: Library, query: list[tuple[str, str]], wanted: Any) -> None:
    """Members of the query come as the document types them; a wrong, missing or contradictory one is 422."""
    outcome = await library.knock("/shelves/7/A", BEARER, query=query)
    if isinstance(wanted, str):
        assert (outcome.status, outcome.code, outcome.message) == (422, "invalid_parameter", wanted)
    else:
        found = outcome.query
        assert (found.hand, found.page, found.zoom, found.aloud) == wanted
    assert (await library.knock("/desk", query=query)).query is None


async def test_a_path_is_found_under_a_mount_and_without_its_raw_form(library: Library) -> None:
    """What the application is mounted under is no part of the address; without `raw_path` the decoded one serves."""
    assert (await library.knock("/shelves/7", BEARER, raw=False)).parameters.shelf == 7
    assert (await library.knock("/shelves/7/A%252FB", BEARER, raw=False)).status == 404
    below = await library.knock("/a%20b/shelves/7", BEARER, root_path="/a b")
    assert below.parameters.shelf == 7


def test_headers_may_need_one_another(load_module: Load) -> None:
    """One that is sent without what the document wants beside it is told, in the document's spelling."""
    channels = load_module("headers", "channels")

    def read(*names: str) -> Any:
        values = {"X-Client": b"someone", "X-Level": b"2", "X-Mode": b"fast"}
        return channels.read_feed_headers({"headers": [(name.lower().encode(), values[name]) for name in names]})

    assert read("X-Client").x_mode is None
    assert read("X-Mode", "X-Level", "X-Client").x_mode == "fast"
    with pytest.raises(ValueError, match="X-Level must be sent beside X-Mode"):
        read("X-Client", "X-Mode")


@settings(max_examples=200, deadline=None)
@given(shelf=st.integers(1, 99), title=st.text(max_size=19))
def test_parse_reads_what_format_writes(load_module: Load, shelf: int, title: str) -> None:
    """A path that `format_*` makes gives its parameters back; what no path can hold raises ValueError."""
    channels = load_module("handshake", "channels")
    parameters = channels.BookParameters(shelf=shelf, book_title="A" + title)
    try:
        path = channels.format_book(parameters)
    except ValueError:
        assert "/" in title or "%2f" in title.lower() or not title.isprintable()
    else:
        assert channels.parse_book(path.encode()) == parameters
        assert channels.find_channel(path.encode()) is channels.BOOK


def test_format_refuses_what_no_path_can_hold(load_module: Load) -> None:
    """An empty value, a dot, a slash in the wrong place and one that looks encoded raise ValueError."""
    channels = load_module("handshake", "channels")
    for name in ("", ".", "..", "a/b", "a%2Fb"):
        with pytest.raises(ValueError, match="An address holds no value"):
            channels.format_loan(channels.LoanParameters(kind="map", name=name))
    assert channels.format_loan(channels.LoanParameters(kind="map", name="100% a?")) == "/loans/map/100%25%20a%3F"


def test_a_server_needs_an_authenticator(load_module: Load) -> None:
    """Where the document asks for a token, no router is made without one who knows them."""
    create_router = load_module("security", "router").create_router
    with pytest.raises(TypeError, match="authenticator"):
        create_router(None, None)
    create_router(None, None, authenticator=object())


@pytest.fixture
def packages_of(tmp_path: Path) -> Iterator[Callable[[str], Callable[[str], ModuleType]]]:
    """Return what generates a document's package and imports its modules."""
    made: list[str] = []
    sys.path.insert(0, str(tmp_path))

    def package(text: str) -> Callable[[str], ModuleType]:
        name = f"variant{len(made)}"
        made.append(name)
        document = tmp_path / f"{name}.yaml"
        document.write_text(text)
        (tmp_path / name).mkdir()
        for file, source in generate(load(document)).items():
            (tmp_path / name / file).write_text(source)
        importlib.invalidate_caches()
        return lambda module: importlib.import_module(f"{name}.{module}")

    yield package
    sys.path.remove(str(tmp_path))
    for module in [module for module in sys.modules if module.partition(".")[0] in made]:
        del sys.modules[module]


EDITS: dict[str, tuple[str, str, str, str, int]] = {
    "a scope": ("\n    x-scopes: [shelves:write]", "", "/shelves/7", "reader", 403),
    "one scope of two": ("[books:read, books:open]", "[books:read]", "/shelves/7/A", "reader", 403),
    "a type": ("{type: integer, minimum: 1, maximum: 99}", "{type: string}", "/shelves/x", "good", 422),
    "a bound": (", maximum: 99}", "}", "/shelves/100", "good", 422),
    "a pattern": ("pattern: '^[A-Z]', ", "", "/shelves/7/a", "good", 422),
    "a value of an enum": ("{enum: [book, map]}", "{}", "/loans/disc/x", "", 422),
    "a security scheme": (
        "\n    security: [{$ref: '#/components/securitySchemes/card'}]",
        "",
        "/shelves/first",
        "",
        401,
    ),
    "a duty": (
        "\n    channel: {$ref: '#/channels/first'}\n",
        "\n    channel: {$ref: '#/channels/first'}\n    x-security-optional: true\n",
        "/shelves/first",
        "",
        401,
    ),
    "a type of the query": (
        "hand: {enum: [left, right], type: string}",
        "hand: {type: string}",
        "/shelves/7/A",
        "good",
        422,
    ),
}


@pytest.mark.parametrize("removed", EDITS)
async def test_what_the_document_drops_the_server_stops_asking_for(
    packages_of: Callable[[str], Callable[[str], ModuleType]], removed: str
) -> None:
    """Something removed, generated again: what was refused enters, with the same hand-written code."""
    old, new, path, token, status = EDITS[removed]
    assert DOCUMENT.count(old) == 1
    headers = [("Authorization", f"Bearer {token}")] if token else []
    hand = "both" if "query" in removed else "left"
    outcomes = []
    for text in (DOCUMENT, DOCUMENT.replace(old, new)):
        library = Library(packages_of(text))
        outcomes.append(await library.knock(path, *headers, query=[("hand", hand)]))
    assert outcomes[0].status == status
    assert hasattr(outcomes[1], "receive"), outcomes[1]


async def test_a_carriage_that_is_removed_is_not_read_any_more(
    packages_of: Callable[[str], Callable[[str], ModuleType]],
) -> None:
    """Without its scheme a token in the query is no token: where one is needed, the client is refused."""
    without = DOCUMENT.replace(", {$ref: '#/components/securitySchemes/key'}", "")
    found = []
    for text in (DOCUMENT, without):
        library = Library(packages_of(text), require_token=("desk",))
        found.append(await library.knock("/desk", query=[("card", "good")]))
    assert found[0].principal.name == "Ada"
    assert found[1].status == 401


async def test_slashes_that_are_not_allowed_any_more_are_unknown(
    packages_of: Callable[[str], Callable[[str], ModuleType]],
) -> None:
    """Without x-slashes the raw and the encoded slash are 404."""
    library = Library(packages_of(DOCUMENT.replace("\n        x-slashes: true", "")))
    for path in ("/shelves/7/A/B", "/shelves/7/A%2FB"):
        assert (await library.knock(path, BEARER, query=[("hand", "left")])).status == 404
    assert (await library.knock("/shelves/7/A", BEARER, query=[("hand", "left")])).parameters.book_title == "A"


@contextlib.asynccontextmanager
async def served(app: FastAPI) -> AsyncIterator[int]:
    """Run an application under uvicorn; the port."""
    config = uvicorn.Config(app, ws="websockets-sansio", log_config=None, access_log=False, lifespan="off")
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield port
        finally:
            server.should_exit = True
            await task


async def test_uvicorn_and_a_real_client(library: Library) -> None:
    """Over a real socket: each carriage enters, the subprotocol is echoed, and refusals have status and body."""
    async with served(library.app) as port:
        url = f"ws://127.0.0.1:{port}"
        offered = [Subprotocol("library.v1"), Subprotocol("bearer.good")]
        async with connect(f"{url}/desk", subprotocols=offered, proxy=None) as client:
            assert client.subprotocol == "library.v1"
        async with connect(f"{url}/shelves/7/A%2FB?card=good&hand=left", proxy=None) as client:
            assert client.subprotocol is None
        async with connect(f"{url}/shelves/7", additional_headers=[BEARER], proxy=None):
            pass
        kept = [(outcome.channel.id, outcome.principal.name) for outcome in library.outcomes]
        assert kept == [("desk", "Ada"), ("book", "Ada"), ("shelf", "Ada")]
        for path, headers, status, code in (
            ("/shelves/7/A%252FB", [BEARER], 404, "unknown_address"),
            ("/shelves/7/", [BEARER], 404, "unknown_address"),
            ("/nowhere", [BEARER], 404, "unrouted"),
            ("/shelves/7", [], 401, "unauthorized"),
            ("/desk?card=also.good", [BEARER], 401, "unauthorized"),
            ("/desk", [BEARER, ("Authorization", "Bearer also.good")], 401, "unauthorized"),
            ("/shelves/7", [("Authorization", "Bearer reader")], 403, "forbidden"),
            ("/shelves/x", [BEARER], 422, "invalid_parameter"),
            ("/shelves/7/A?hand=both", [BEARER], 422, "invalid_parameter"),
        ):
            with pytest.raises(InvalidStatus) as caught:
                await connect(f"{url}{path}", additional_headers=headers, proxy=None)
            assert caught.value.response.status_code == status, path
            assert f'"code":"{code}"'.encode() in (caught.value.response.body or b"")
