"""Documents that leave little to do: what can't be made isn't sent, and where nothing is, that is said."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from contract.__main__ import main
from contract.engine import Options, Run
from contract.spec import load_spec


def written(tmp_path: Path, channels: Any, operations: Any) -> Path:
    """Return the path of a document."""
    path = tmp_path / "asyncapi.json"
    info = {"title": "T", "version": "1"}
    path.write_text(json.dumps({"asyncapi": "3.0.0", "info": info, "channels": channels, "operations": operations}))
    return path


def test_a_message_that_nothing_fits_is_left_out_and_said(tmp_path: Path) -> None:
    """A schema that contradicts itself takes its message out of the run, and an operation that has no other."""
    never = {"payload": {"type": "string", "minLength": 5, "maxLength": 2}}
    channel = {"address": "/", "messages": {"never": never, "some": {"payload": {"type": "object"}}}}

    def receive(*names: str) -> dict[str, Any]:
        messages = [{"$ref": f"#/channels/a/messages/{name}"} for name in names]
        return {"action": "receive", "channel": {"$ref": "#/channels/a"}, "messages": messages}

    spec = load_spec(written(tmp_path, {"a": channel}, {"one": receive("never"), "two": receive("never", "some")}))

    async def made() -> Run:
        return Run(spec, Options("ws://127.0.0.1:1"))

    run = asyncio.run(made())
    found = {item.id: [message.key for message in item.messages] for item in run.spec.channels[0].operations}
    assert found == {"two": ["some"]}
    assert any("a/never isn't sent" in text for text in run.result.remarks)


def test_a_document_without_channels_can_not_be_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """That nothing was found, where nothing was tried, would be no answer."""
    path = written(tmp_path, {}, {})
    assert main([str(path), "--url", "ws://127.0.0.1:1"]) == 2
    assert "nothing to test" in capsys.readouterr().err
