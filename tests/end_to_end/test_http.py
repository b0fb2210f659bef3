"""The HTTP side: what it serves, held against its own OpenAPI document by Schemathesis."""

import asyncio
import json
import sys
from pathlib import Path

import httpx
import pytest
import yaml

from tests.support.client import connected
from tests.support.judge import DOCUMENT, Judge
from tests.support.server import running
from tests.support.source import ManualSource

SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")


async def test_the_http_side_is_as_its_openapi_document_says() -> None:
    """Schemathesis finds nothing, with all its checks and phases on, and it has tested every operation."""
    async with running([ManualSource()]) as server, httpx.AsyncClient(base_url=server.http) as http:
        paths = (await http.get("/openapi.json")).json()["paths"]
        assert {"/health", "/api/v1/health", "/ready", "/asyncapi.json", "/asyncapi.yaml"} <= set(paths)
        process = await asyncio.create_subprocess_exec(
            SCHEMATHESIS,
            *("run", server.http + "/openapi.json", "--checks", "all", "--max-examples", "25", "--no-color"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        async with asyncio.timeout(120):
            said = (await process.communicate())[0].decode()
    assert process.returncode == 0, said
    operations = sum(len(methods) for methods in paths.values())
    assert f"Tested: {operations}" in said


async def test_it_lives_and_it_is_ready() -> None:
    """Both names of the health check answer; readiness names each source."""
    async with running([ManualSource()]) as server, httpx.AsyncClient(base_url=server.http) as http:
        for path in ("/health", "/api/v1/health"):
            response = await http.get(path)
            assert (response.status_code, response.json()) == (200, {"status": "ok"})
        response = await http.get("/ready")
        assert (response.status_code, response.json()) == (200, {"status": "ready", "sources": {"manual": "running"}})


async def test_it_is_not_ready_while_a_source_has_failed_and_it_still_lives() -> None:
    """503 until the source is back."""
    source = ManualSource()
    async with running([source]) as server, httpx.AsyncClient(base_url=server.http) as http:
        async with connected(server.bars, Judge()) as client:
            await client.subscribe("AAA", "1")
            source.fail()
            await client.receive()
        response = await http.get("/ready")
        assert (response.status_code, response.json()["sources"]) == (503, {"manual": "failed"})
        assert (await http.get("/health")).status_code == 200


async def test_while_it_goes_it_is_not_ready_and_takes_nobody_new() -> None:
    """Draining: /ready is 503, and so is a handshake, with a reason."""
    from websockets.exceptions import InvalidStatus

    async with running([ManualSource()]) as server, httpx.AsyncClient(base_url=server.http) as http:
        server.gateway.server.draining = True
        assert (await http.get("/ready")).status_code == 503
        with pytest.raises(InvalidStatus) as refused:
            async with connected(server.bars, Judge()):
                raise AssertionError("the client was accepted")
        assert refused.value.response.status_code == 503
        assert json.loads(refused.value.response.body or b"")["code"] == "draining"


async def test_it_serves_the_contract() -> None:
    """The document as JSON and as YAML is the one of the project."""
    document = yaml.safe_load(DOCUMENT.read_text())
    async with running([ManualSource()]) as server, httpx.AsyncClient(base_url=server.http) as http:
        assert yaml.safe_load((await http.get("/asyncapi.yaml")).text) == document
        served = (await http.get("/asyncapi.json")).json()
        assert served["info"] == document["info"]
        assert set(served["components"]["messages"]) == set(document["components"]["messages"])
        for path in ("/", "/asyncapi", "/docs"):
            page = await http.get(path)
            assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
