"""What the Python client's README shows first, run as it is written."""

import asyncio
import os
import re
import sys
from pathlib import Path

from tests.support.server import running
from tests.support.source import MINUTE, ManualSource

PACKAGE = Path(__file__).parents[3] / "clients" / "python"


async def test_what_the_readme_shows_runs() -> None:
    """With an address and a symbol filled in, it prints the reply, and then what is pushed."""
    (program,) = re.findall(r"```python\n(.*?)```", (PACKAGE / "README.md").read_text(), re.DOTALL)
    source = ManualSource()
    async with asyncio.timeout(60), running([source]) as server:
        filled = program.replace("Client()", f'Client("ws://127.0.0.1:{server.port}")')
        filled = filled.replace("symbol=...", 'symbol="test:AAA", resolution="1"')
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-u", "-c", filled),
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(PACKAGE)},
        )
        try:
            assert process.stdout is not None
            assert b"status='ok'" in await process.stdout.readline()
            source.trade(0, "10")
            source.trade(MINUTE, "11")
            assert b"bars.update" in await process.stdout.readline()
        finally:
            process.kill()
            await process.wait()
