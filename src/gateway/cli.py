"""Command line: `tapecast serve` and the tools that ship with it. It never does the work itself."""

import asyncio
import sys

import click

from gateway.keys import KeysError
from gateway.settings import SettingsError, load_settings
from gateway.sources.source import SourceError
from gateway.tokens import DEMO_SCOPES
from handlers.auth import mint
from streaming.clock import SystemClock


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
    except (SettingsError, SourceError, KeysError, server.ListenError) as error:
        click.echo(f"tapecast: {error}", err=True)
        sys.exit(2)


@main.command()
@click.option("--user", default="1", show_default=True, help="The user's id, and the token's subject.")
@click.option("--accounts", default="1", show_default=True, help="Account numbers, with a comma between.")
@click.option("--scope", default=" ".join(DEMO_SCOPES), show_default=True, help="Scopes, with blanks between.")
@click.option("--expires", default=3600, show_default=True, help="Seconds until the token expires.")
def token(user: str, accounts: str, scope: str, expires: int) -> None:
    """Print a token, signed with TAPECAST_JWT_SECRET."""
    try:
        settings = load_settings()
        if settings.jwt_secret is None:
            raise KeysError("TAPECAST_JWT_SECRET is not set: the server's secret signs the token.")
        try:
            numbers = [int(number) for number in accounts.split(",") if number.strip()]
        except ValueError:
            raise KeysError(f'--accounts "{accounts}" is no list of numbers: write 1,2.') from None
        minted = mint(
            settings.jwt_secret.get_secret_value(),
            subject=user,
            user_id=user,
            accounts=numbers,
            scopes=scope.split(),
            expires_in_s=expires,
            now_ms=SystemClock().now_ms(),
            issuer=settings.jwt_issuer,
            audience=settings.jwt_audience,
        )
    except (SettingsError, ValueError) as error:
        click.echo(f"tapecast: {error}", err=True)
        sys.exit(2)
    click.echo(minted)


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
