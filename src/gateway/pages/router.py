"""Router: the pages and the document over HTTP. It reads nothing of the market but the symbols' names."""

import importlib.util
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from gateway.pages.assets import REACT_COMPONENT
from gateway.pages.files import FOR_EVER, REVALIDATE, Files, Text, content_security_policy

SHOWN_SYMBOLS = 60
"""The most rows of the live page: below the 100 frames that a client may send in one burst, and enough to read."""

_HERE = Path(__file__).parent
_HTML = "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True)
class PageSymbol:
    """What the live page says of a symbol.

    `key` is what one subscribes to (`nasdaq:AAPL`); `synthetic` is true where the prices are no market's; `description`
    is one line for a person, or empty.
    """

    key: str
    name: str
    exchange: str
    synthetic: bool = False
    description: str = ""


@dataclass(frozen=True, slots=True)
class _Group:
    """The symbols of one exchange that are alike: one heading, one resolution."""

    exchange: str
    synthetic: bool
    symbols: tuple[PageSymbol, ...]

    @property
    def resolution(self) -> str:
        """The resolution that moves: replayed days pass in about a minute; what is made up runs on the wall clock."""
        return "1" if self.synthetic else "1D"

    @property
    def bars(self) -> str:
        """The resolution in words."""
        return "one-minute bars" if self.synthetic else "daily bars"


def create_pages(
    *,
    document_json: bytes,
    document_yaml: bytes,
    symbols: Sequence[PageSymbol],
    assets: Path,
) -> APIRouter:
    """Return the routes `/`, `/docs`, `/asyncapi`, `/asyncapi.json`, `/asyncapi.yaml`, `/static` and `/assets`.

    `document_json` and `document_yaml` are the AsyncAPI document in both notations, UTF-8, served as they are; the live
    page takes the texts of the close codes from it (`x-close-codes`). `assets` is the folder that
    `gateway.pages.fetch_assets` fills; it may be empty, absent, or filled later. `/docs` shows the application's own
    `/openapi.json`, so the application is made with `docs_url=None, redoc_url=None`.

    Raises ValueError when `document_json` is not a JSON object.
    """
    router = APIRouter()
    templates = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # A string literal of JSON is one of Python and of JavaScript too.
    templates.filters["literal"] = lambda text: json.dumps(text, ensure_ascii=False)
    document: Any = json.loads(document_json)
    if not isinstance(document, dict):
        raise ValueError("The AsyncAPI document is not a JSON object.")

    _add_page(router, "/", _live_page(templates, symbols, document))
    _add_page(router, "/docs", _page(templates, "docs.html", "docs", content_security_policy()))
    _add_asyncapi(router, templates, assets)

    json_text = Text(document_json, "application/json", {"access-control-allow-origin": "*"})
    yaml_text = Text(document_yaml, "application/yaml", {"access-control-allow-origin": "*"})
    _add_document(router, "/asyncapi.json", json_text, {"type": "object"})
    _add_document(router, "/asyncapi.yaml", yaml_text, {"type": "object"})

    router.mount("/static", Files(directory=_HERE / "static", cache_control=REVALIDATE))
    router.mount("/assets", Files(directory=assets, cache_control=FOR_EVER))
    router.mount("/swagger", Files(directory=_swagger_folder(), cache_control=REVALIDATE))
    return router


def _page(templates: Environment, template: str, address: str, policy: str, **context: Any) -> Text:
    # Addresses in the pages are relative, so that they work below a proxy's prefix too.
    text = templates.get_template(template).render(address=address, **context)
    return Text(text.encode(), _HTML, {"content-security-policy": policy, "referrer-policy": "no-referrer"})


def _live_page(templates: Environment, symbols: Sequence[PageSymbol], document: Mapping[str, Any]) -> Text:
    shown = symbols[:SHOWN_SYMBOLS]
    members: dict[tuple[str, bool], list[PageSymbol]] = {}
    for symbol in shown:
        members.setdefault((symbol.exchange, symbol.synthetic), []).append(symbol)
    groups = [_Group(exchange, synthetic, tuple(those)) for (exchange, synthetic), those in members.items()]
    first = groups[0] if groups else None
    close_texts = {str(code): entry["text"] for code, entry in document.get("x-close-codes", {}).items()}
    return _page(
        templates,
        "live.html",
        "./",
        content_security_policy(),
        groups=groups,
        hidden=len(symbols) - len(shown),
        close_texts=close_texts,
        first_key=first.symbols[0].key if first else "EXCHANGE:SYMBOL",
        first_resolution=first.resolution if first else "1D",
    )


def _add_asyncapi(router: APIRouter, templates: Environment, assets: Path) -> None:
    # The component's parser compiles its JSON Schemas with `new Function`, and its styles come with React: so this one
    # page allows both. What it runs and reads is ours alone.
    rendered = _page(
        templates,
        "asyncapi.html",
        "asyncapi",
        content_security_policy(script_src="'unsafe-eval'", style_src="'unsafe-inline'"),
        assets=f"assets/{REACT_COMPONENT.folder}",
    )
    absent = _page(templates, "asyncapi_absent.html", "asyncapi", content_security_policy())

    @router.api_route("/asyncapi", methods=["GET", "HEAD"], include_in_schema=False)
    def asyncapi(request: Request) -> Response:
        # Looked up for each request, so that `make assets` helps a server that runs.
        return (rendered if REACT_COMPONENT.is_present(assets) else absent).respond(request)


def _add_page(router: APIRouter, path: str, text: Text) -> None:
    @router.api_route(path, methods=["GET", "HEAD"], include_in_schema=False)
    def page(request: Request) -> Response:
        return text.respond(request)


def _add_document(router: APIRouter, path: str, text: Text, schema: dict[str, str]) -> None:
    @router.head(path, include_in_schema=False)
    @router.get(
        path,
        operation_id=f"get_{path[1:].replace('.', '_')}",
        summary="The AsyncAPI document of the WebSocket API",
        tags=["document"],
        response_class=Response,
        responses={
            200: {"description": "The document.", "content": {text.media_type: {"schema": schema}}},
            304: {"description": "The client holds it already (`If-None-Match`)."},
        },
    )
    def document(request: Request) -> Response:
        return text.respond(request)


def _swagger_folder() -> Path:
    """Where `fastapi-offline` keeps Swagger UI: a dependency, so `/docs` needs neither npm nor a network.

    Only its files are used. Its own application would add inline scripts, which the policy refuses, and a second page.
    """
    spec = importlib.util.find_spec("fastapi_offline")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("The package fastapi-offline is missing; install the dependencies of tapecast.")
    return Path(spec.origin).parent / "static"
