"""The pages over HTTP, on their router alone. What they look like and do is judged in a browser."""

import ast
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from gateway.pages import PageSymbol, create_pages
from gateway.pages.assets import REACT_COMPONENT

DOCUMENT = {"asyncapi": "3.0.0", "x-close-codes": {"4502": {"name": "bad_frames", "text": "Twenty bad frames."}}}
DOCUMENT_JSON = json.dumps(DOCUMENT).encode()
DOCUMENT_YAML = b"asyncapi: 3.0.0\n"
SYMBOLS = [
    PageSymbol("nasdaq:AAPL", "AAPL", "nasdaq", False, "Apple"),
    PageSymbol("sim:BTC/USDT", "BTC/USDT", "sim", True, ""),
]
HTML_PAGES = ["/", "/asyncapi", "/docs"]
PACKAGE = Path(create_pages.__code__.co_filename).parent


def client(assets: Path, symbols: list[PageSymbol] | None = None, document: bytes = DOCUMENT_JSON) -> httpx.AsyncClient:
    """Return a client of an application that has nothing but the pages."""
    app = FastAPI(docs_url=None, redoc_url=None)
    app.include_router(
        create_pages(
            document_json=document,
            document_yaml=DOCUMENT_YAML,
            symbols=SYMBOLS if symbols is None else symbols,
            assets=assets,
        )
    )
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://pages")


def lay_assets(assets: Path) -> None:
    """Put a small file in place of each asset."""
    folder = assets / REACT_COMPONENT.folder
    folder.mkdir(parents=True)
    for name, _ in REACT_COMPONENT.files:
        folder.joinpath(name).write_text(f"/* {name} */")


class Markup(HTMLParser):
    """The elements of a page with their attributes, and the text of each element by its id."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: dict[str, str] = {}
        self._open: list[tuple[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = {name: value or "" for name, value in attrs}
        self.elements.append((tag, known))
        if tag not in {"meta", "link", "path", "rect", "br", "input"}:
            self._open.append((tag, known.get("id")))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        for _, name in self._open:
            if name:
                self.texts[name] = self.texts.get(name, "") + data


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/asyncapi", "text/html; charset=utf-8"),
        ("/docs", "text/html; charset=utf-8"),
        ("/asyncapi.json", "application/json"),
        ("/asyncapi.yaml", "application/yaml"),
        ("/openapi.json", "application/json"),
        ("/static/live.js", "text/javascript; charset=utf-8"),
        ("/static/live.css", "text/css; charset=utf-8"),
        ("/static/favicon.svg", "image/svg+xml"),
        ("/swagger/swagger-ui.css", "text/css; charset=utf-8"),
        ("/swagger/swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
    ],
)
async def test_each_path_has_its_content_type(tmp_path: Path, path: str, content_type: str) -> None:
    """Each path answers 200 with its content type, and HEAD as GET does (but for FastAPI's own page)."""
    async with client(tmp_path) as http:
        answer = await http.get(path)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == content_type
        assert answer.content
        if path != "/openapi.json":
            head = await http.head(path)
            assert head.status_code == 200
            assert head.headers["content-type"] == content_type


async def test_the_documents_are_served_as_they_are(tmp_path: Path) -> None:
    """The document comes byte for byte, any origin may read it, and who holds it gets 304."""
    async with client(tmp_path) as http:
        for path, body in {"/asyncapi.json": DOCUMENT_JSON, "/asyncapi.yaml": DOCUMENT_YAML}.items():
            answer = await http.get(path)
            assert answer.content == body
            assert answer.headers["access-control-allow-origin"] == "*"
            assert answer.headers["cache-control"] == "no-cache"
            etag = answer.headers["etag"]
            for held in (etag, f"W/{etag}", f'"other", {etag}', "*"):
                again = await http.get(path, headers={"if-none-match": held})
                assert (again.status_code, again.content) == (304, b"")
                assert again.headers["etag"] == etag
            assert (await http.get(path, headers={"if-none-match": '"other"'})).status_code == 200


async def test_another_text_has_another_entity_tag(tmp_path: Path) -> None:
    """A changed document has another ETag."""
    tags: set[str] = set()
    for document in (b"{}", b'{"asyncapi": "3.0.0"}'):
        async with client(tmp_path, document=document) as http:
            tags.add((await http.get("/asyncapi.json")).headers["etag"])
    assert len(tags) == 2


async def test_the_openapi_document_lists_the_asyncapi_document_and_no_page(tmp_path: Path) -> None:
    """The OpenAPI document describes both notations of the document with their media types."""
    async with client(tmp_path) as http:
        paths = (await http.get("/openapi.json")).json()["paths"]
    assert set(paths) == {"/asyncapi.json", "/asyncapi.yaml"}
    for path, media_type in {"/asyncapi.json": "application/json", "/asyncapi.yaml": "application/yaml"}.items():
        assert set(paths[path]) == {"get"}
        assert set(paths[path]["get"]["responses"]["200"]["content"]) == {media_type}


@pytest.mark.parametrize("with_assets", [True, False])
async def test_no_page_refers_to_another_host(tmp_path: Path, with_assets: bool) -> None:
    """Every address in the pages is relative and is served."""
    if with_assets:
        lay_assets(tmp_path)
    async with client(tmp_path) as http:
        for path in HTML_PAGES:
            text = (await http.get(path)).text
            assert not re.search(r"https?:", text)
            for _, attributes in Markup(text).elements:
                for name in ("src", "href", "action"):
                    if name in attributes:
                        assert not re.match(r"//|/|[a-z]+:", attributes[name]), attributes[name]
                        target = httpx.URL(f"http://pages{path}").join(attributes[name])
                        assert (await http.get(target)).status_code == 200, attributes[name]


@pytest.mark.parametrize("file", sorted((PACKAGE / "static").iterdir()), ids=lambda file: file.name)
def test_no_script_or_style_refers_to_another_host(file: Path) -> None:
    """Our scripts and styles name no address but SVG's namespace."""
    text = file.read_text().replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?:|wss?:/|['\"(]//|@import|url\(", text)


@pytest.mark.parametrize("path", HTML_PAGES)
@pytest.mark.parametrize("with_assets", [True, False])
async def test_the_pages_allow_our_own_files_alone(tmp_path: Path, path: str, with_assets: bool) -> None:
    """Each page has a policy that refuses other hosts and inline scripts, and has neither."""
    if with_assets:
        lay_assets(tmp_path)
    async with client(tmp_path) as http:
        answer = await http.get(path)
    policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
    component = path == "/asyncapi" and with_assets
    assert policy["default-src"] == "'none'"
    assert policy["connect-src"] == "'self'"
    assert policy["script-src"] == ("'self' 'unsafe-eval'" if component else "'self'")
    assert policy["style-src"] == ("'self' 'unsafe-inline'" if component else "'self'")
    assert answer.headers["x-content-type-options"] == "nosniff"
    for tag, attributes in Markup(answer.text).elements:
        assert tag != "style"
        assert not any(name == "style" or name.startswith("on") for name in attributes)
        if tag == "script":
            assert "src" in attributes or attributes["type"] == "application/json"


async def test_without_assets_the_page_says_how_to_get_them(tmp_path: Path) -> None:
    """Without the component a sentence stands in its place; with it, also when it came later, the component does."""
    assets = tmp_path / "not" / "there"
    async with client(assets) as http:
        absent = await http.get("/asyncapi")
        assert absent.status_code == 200
        assert "make assets" in absent.text
        assert {"asyncapi.json", "asyncapi.yaml"} <= {
            attributes.get("href") for _, attributes in Markup(absent.text).elements
        }
        assert (await http.get(f"/assets/{REACT_COMPONENT.folder}/standalone.js")).status_code == 404

        lay_assets(assets)
        present = await http.get("/asyncapi")
        assert "make assets" not in present.text
        assert f"assets/{REACT_COMPONENT.folder}/standalone.js" in present.text
        script = await http.get(f"/assets/{REACT_COMPONENT.folder}/standalone.js")
        assert script.text == "/* standalone.js */"
        assert "immutable" in script.headers["cache-control"]


async def test_a_folder_that_lacks_a_file_is_no_assets(tmp_path: Path) -> None:
    """A component that is half there isn't shown."""
    lay_assets(tmp_path)
    tmp_path.joinpath(REACT_COMPONENT.folder, "default.min.css").unlink()
    async with client(tmp_path) as http:
        assert "make assets" in (await http.get("/asyncapi")).text


async def test_nothing_outside_the_folders_is_served(tmp_path: Path) -> None:
    """A path that leads out of its folder, or names a folder, is 404."""
    lay_assets(tmp_path / "assets")
    tmp_path.joinpath("secret.txt").write_text("secret")
    async with client(tmp_path / "assets") as http:
        for path in ("/assets/%2e%2e/secret.txt", "/assets/..%2fsecret.txt", "/assets/", "/static/", "/static/nope.js"):
            assert (await http.get(path)).status_code == 404
        assert (await http.post("/static/live.js")).status_code == 405


async def test_the_live_page_names_each_symbol_with_what_to_subscribe_to(tmp_path: Path) -> None:
    """Each symbol has a row that says its key and resolution; the synthetic ones, and no others, are labelled."""
    async with client(tmp_path) as http:
        page = (await http.get("/")).text
    rows = [attributes for _, attributes in Markup(page).elements if attributes.get("class") == "symbol"]
    assert [(row["data-symbol"], row["data-resolution"]) for row in rows] == [
        ("nasdaq:AAPL", "1D"),
        ("sim:BTC/USDT", "1"),
    ]
    stock, synthetic = page.split('data-symbol="')[1:]
    assert "synthetic" not in stock.split("</tr>")[0]
    assert 'class="tag">synthetic<' in synthetic.split("</tr>")[0]
    assert "Apple" in stock


async def test_symbols_of_one_exchange_stand_together(tmp_path: Path) -> None:
    """Symbols that come mixed are grouped by exchange, in the order of the first of each."""
    symbols = [PageSymbol(f"{exchange}:{name}", name, exchange) for exchange, name in ("bA", "aB", "bC")]
    async with client(tmp_path, symbols) as http:
        page = Markup((await http.get("/")).text)
    rows = [attributes["data-symbol"] for _, attributes in page.elements if attributes.get("class") == "symbol"]
    assert rows == ["b:A", "b:C", "a:B"]


@pytest.mark.parametrize(("count", "says"), [(60, None), (61, "1 more symbol is"), (260, "200 more symbols are")])
async def test_a_long_list_is_cut(tmp_path: Path, count: int, says: str | None) -> None:
    """No more than 60 symbols are shown, few enough for one burst; the page says how many are not."""
    symbols = [PageSymbol(f"sim:S{index}", f"S{index}", "sim", True) for index in range(count)]
    async with client(tmp_path, symbols) as http:
        page = (await http.get("/")).text
    assert page.count('class="symbol"') == 60
    assert ("and not shown" in page) is (says is not None)
    assert says is None or says in page


async def test_without_symbols_the_page_says_so(tmp_path: Path) -> None:
    """A server without a source has a page all the same."""
    async with client(tmp_path, []) as http:
        answer = await http.get("/")
    assert answer.status_code == 200
    assert "No symbols" in answer.text


async def test_names_are_text(tmp_path: Path) -> None:
    """Markup in a symbol's names, or in the document, stays text."""
    evil = "<script>alert(1)</script>\"'&"
    document = json.dumps({"x-close-codes": {"4999": {"text": "</script><script>alert(1)</script>"}}}).encode()
    async with client(tmp_path, [PageSymbol(f"x:{evil}", evil, evil, True, evil)], document) as http:
        text = (await http.get("/")).text
    page = Markup(text)
    assert "<script>alert" not in text
    assert [attributes["data-symbol"] for _, attributes in page.elements if "data-symbol" in attributes] == [
        f"x:{evil}"
    ]
    assert json.loads(page.texts["close-texts"]) == {"4999": "</script><script>alert(1)</script>"}
    assert json.dumps(f"x:{evil}") in page.texts["python"]
    assert json.dumps(f"x:{evil}") in page.texts["javascript"]


async def test_the_texts_of_the_close_codes_are_the_documents(tmp_path: Path) -> None:
    """The page is given the document's sentence for each close code."""
    async with client(tmp_path) as http:
        page = Markup((await http.get("/")).text)
    assert json.loads(page.texts["close-texts"]) == {"4502": "Twenty bad frames."}


async def test_the_python_snippet_is_python(tmp_path: Path) -> None:
    """The Python snippet parses and subscribes to the first symbol that is shown."""
    async with client(tmp_path) as http:
        snippet = Markup((await http.get("/")).text).texts["python"]
    tree = ast.parse(snippet)
    literals = [
        ast.literal_eval(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Dict)
        and len(node.keys) == 2
        and all(isinstance(value, ast.Constant) for value in node.values)
    ]
    assert literals == [{"symbol": "nasdaq:AAPL", "resolution": "1D"}]


def test_a_document_that_is_no_object_is_refused(tmp_path: Path) -> None:
    """A document that isn't a JSON object stops the start."""
    with pytest.raises(ValueError, match="not a JSON object"):
        create_pages(document_json=b"[]", document_yaml=b"", symbols=[], assets=tmp_path)


def test_without_swagger_the_start_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing dependency is named."""
    nothing: Callable[[str], None] = lambda name: None  # noqa: E731 - typed in place
    monkeypatch.setattr("importlib.util.find_spec", nothing)
    with pytest.raises(ModuleNotFoundError, match="fastapi-offline"):
        create_pages(document_json=b"{}", document_yaml=b"", symbols=[], assets=tmp_path)
