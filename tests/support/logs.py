"""Logs: every log line of a whole test run, and the tokens that none of them may hold. It knows no server."""

import asyncio
import logging
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import jwt
import pytest

from tests.support import tokens

_JWT = "eyJ"
"""What each JWT begins with: the base64url of `{"`."""
_TAKEN_OUT = "(token)"
"""What the server's log writes where a whole token was about to be written: that is a leak too, only a mended one."""
_LONG = re.compile(r"[A-Za-z0-9_-]{20,}")
"""A part of a token; what is shorter is no secret."""


class RunLog:
    """What was logged since the run began, by this process and by those that it started; and which tokens were made."""

    def __init__(self) -> None:
        """Start with no line and no token."""
        self.lines: list[str] = []
        self._outputs: list[bytearray] = []
        self._files: list[Path] = []
        self._parts: set[str] = set()

    def know(self, token: str) -> str:
        """Remember a token, each of whose parts is a secret; returns it."""
        self._parts.update(_LONG.findall(token))
        return token

    def all_lines(self) -> list[str]:
        """Return every line so far."""
        others = [output.decode(errors="replace") for output in self._outputs]
        others += [file.read_text(errors="replace") for file in self._files if file.is_file()]
        return [*self.lines, *(line for text in others for line in text.splitlines())]

    def leaks(self) -> list[str]:
        """Return every line that holds a token, or a part of one."""
        return [
            line
            for line in self.all_lines()
            if _JWT in line or _TAKEN_OUT in line or not self._parts.isdisjoint(_LONG.findall(line))
        ]

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Keep what is logged from now on, and know the tokens that are made."""
        with pytest.MonkeyPatch.context() as patch:
            self._keep_own_lines(patch)
            self._keep_lines_of_children(patch)
            self._know_tokens(patch)
            yield

    @contextmanager
    def on_trial(self) -> Iterator[None]:
        """Forget afterwards what is logged meanwhile: for a test that leaks on purpose."""
        lines, outputs, files = len(self.lines), len(self._outputs), len(self._files)
        try:
            yield
        finally:
            del self.lines[lines:]
            del self._outputs[outputs:]
            del self._files[files:]

    def _keep_own_lines(self, patch: pytest.MonkeyPatch) -> None:
        emit = logging.StreamHandler.emit

        @wraps(emit)
        def kept(handler: "logging.StreamHandler[Any]", record: logging.LogRecord) -> None:
            emit(handler, record)
            self.lines.extend(handler.format(record).splitlines())

        patch.setattr(logging.StreamHandler, "emit", kept)

    def _keep_lines_of_children(self, patch: pytest.MonkeyPatch) -> None:
        # Standard output is no log: the demo's token is printed there.
        take = asyncio.subprocess.SubprocessStreamProtocol.pipe_data_received
        buffers: WeakKeyDictionary[asyncio.subprocess.SubprocessStreamProtocol, bytearray] = WeakKeyDictionary()
        start = subprocess.Popen.__init__

        @wraps(take)
        def taken(child: asyncio.subprocess.SubprocessStreamProtocol, fd: int, data: bytes | str) -> None:
            if fd == 2 and isinstance(data, bytes):
                if child not in buffers:
                    buffers[child] = bytearray()
                    self._outputs.append(buffers[child])
                buffers[child] += data
            take(child, fd, data)

        @wraps(start)
        def started(child: "subprocess.Popen[Any]", *arguments: Any, **options: Any) -> None:
            name = getattr(options.get("stderr"), "name", None)
            if isinstance(name, str):
                self._files.append(Path(name))
            start(child, *arguments, **options)

        patch.setattr(asyncio.subprocess.SubprocessStreamProtocol, "pipe_data_received", taken)
        patch.setattr(subprocess.Popen, "__init__", started)

    def _know_tokens(self, patch: pytest.MonkeyPatch) -> None:
        encode, forge = jwt.encode, tokens.forge

        @wraps(encode)
        def encoded(*arguments: Any, **options: Any) -> str:
            return self.know(encode(*arguments, **options))

        @wraps(forge)
        def forged(*arguments: Any, **options: Any) -> str:
            return self.know(forge(*arguments, **options))

        patch.setattr(jwt, "encode", encoded)
        patch.setattr(tokens, "forge", forged)
