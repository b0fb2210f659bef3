"""What the TypeScript client's README shows first, run as it is written."""

import asyncio
import json
import re
from pathlib import Path

from tests.support.node import CLIENT, node
from tests.support.server import running
from tests.support.source import MINUTE, ManualSource


def test_installing_runs_no_script() -> None:
    """npm warns of packages that run something then, and in a folder it installs no compiler first."""
    scripts = json.loads((CLIENT / "package.json").read_text())["scripts"]
    assert not {"preinstall", "install", "postinstall", "prepare"} & scripts.keys()
    assert "npm run build" in (CLIENT / "README.md").read_text()
    assert scripts["build"] == "tsc"


async def test_what_the_readme_shows_runs(compiled: Path) -> None:
    """With an address, a token and a payload filled in, it prints what is pushed."""
    parts = re.findall(r"```ts\n(.*?)```", (CLIENT / "README.md").read_text(), re.DOTALL)[:2]
    source = ManualSource()
    async with asyncio.timeout(60), running([source]) as server:
        program = "".join(parts).replace("ws://127.0.0.1:8000", f"ws://127.0.0.1:{server.port}")
        program = program.replace('"tapecast-client"', f'"{(compiled / "index.js").as_uri()}"')
        program = program.replace(", token: async () => myToken()", "")
        program = program.replace("(payload)", '({ symbol: "test:AAA", resolution: "1" })')
        program = program.replace("for await", "console.log(answer);\nfor await")
        process = await asyncio.create_subprocess_exec(
            *(node(), "--input-type=module", "-e", program), stdout=asyncio.subprocess.PIPE
        )
        try:
            assert process.stdout is not None
            said = b""
            while b"bars.ack" not in said:
                said += await process.stdout.read(4096)
            source.trade(0, "10")
            source.trade(MINUTE, "11")
            while b"bars.update" not in said:
                said += await process.stdout.read(4096)
        finally:
            process.kill()
            await process.wait()
