"""Command line: `tapecast serve` and the tools that ship with it. It never does the work itself."""

import asyncio
import sys

import click

from gateway.settings import SettingsError, load_settings
from gateway.sources.source import SourceError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Tapecast: a market-data gateway whose WebSocket API is an AsyncAPI document."""


@main.command()
def serve() -> None:
    """Serve on TAPECAST_HOST:TAPECAST_PORT until Ctrl-C or SIGTERM. All settings are TAPECAST_* variables."""
    from gateway import serve as server
    from gateway.transport.loop import new_loop

    try:
        settings = load_settings()
        with asyncio.Runner(loop_factory=new_loop) as runner:
            runner.run(server.serve(settings))
    except (SettingsError, SourceError, server.ListenError) as error:
        click.echo(f"tapecast: {error}", err=True)
        sys.exit(2)


@main.command(
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
    add_help_option=False,
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def codegen(arguments: tuple[str, ...]) -> None:
    """Generate code from an AsyncAPI document: `tapecast codegen DOCUMENT --server DIR`."""
    from codegen.__main__ import main as run

    sys.exit(run(arguments))


if __name__ == "__main__":
    main()
