"""Command line: `tapecast serve` and the tools that ship with it. It never does the work itself.

What a command needs is imported by that command: the server's modules take most of a second.
"""

import asyncio
import sys
from typing import Any, NoReturn

import click


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Tapecast: a market-data gateway whose WebSocket API is an AsyncAPI document."""


@main.command()
def serve() -> None:
    """Serve on TAPECAST_HOST:TAPECAST_PORT until Ctrl-C or SIGTERM. All settings are TAPECAST_* variables."""
    from gateway import serve as server
    from gateway.keys import KeysError
    from gateway.settings import SettingsError, load_settings
    from gateway.sources.source import SourceError
    from gateway.stores.store import StoreError
    from gateway.transport.loop import new_loop

    try:
        settings = load_settings()
        with asyncio.Runner(loop_factory=new_loop) as runner:
            runner.run(server.serve(settings))
    except (SettingsError, SourceError, KeysError, StoreError, server.ListenError) as error:
        click.echo(f"tapecast: {error}", err=True)
        sys.exit(2)


@main.command()
@click.option(
    "--stream",
    type=click.Choice(["bars", "tickers", "trades", "orders", "balances"]),
    default="bars",
    show_default=True,
    help="What to watch.",
)
@click.option("--exchange", default="sim", show_default=True, help="The exchange; not for balances.")
@click.option("--symbol", help="A symbol of it. Default: all of them; for bars BTC/USDT.")
@click.option("--exchange-id", type=click.IntRange(min=0), default=1, show_default=True, help="For balances: account.")
@click.option("--currency", help="For balances: a currency of the account. Default: all of them.")
@click.option("--resolution", default="1", show_default=True, help="For bars: 1 3 5 15 30 60 120 240 1D 1W 1M.")
@click.option(
    "--history",
    type=click.IntRange(0, 1000),
    default=20,
    show_default=True,
    help="So many of the last trades, or closed bars, first.",
)
@click.option("--duration", type=click.FloatRange(min=0), help="Seconds after which to stop. Default: at Ctrl-C.")
@click.option("--auth-demo", is_flag=True, help="Show each way in which a token is refused, and one that is let in.")
@click.option(
    "--url", default="ws://127.0.0.1:8000", show_default=True, envvar="TAPECAST_URL", show_envvar=True, help="Server."
)
@click.option(
    "--token",
    envvar="TAPECAST_TOKEN",
    show_envvar=True,
    help="Default: one of the demo's, or one signed with TAPECAST_JWT_SECRET.",
)
def watch(
    stream: str,
    exchange: str,
    symbol: str | None,
    exchange_id: int,
    currency: str | None,
    resolution: str,
    history: int,
    duration: float | None,
    auth_demo: bool,
    url: str,
    token: str | None,
) -> None:
    """Show a stream in the terminal: a live table, or a line for each frame where the output is no terminal.

    Each frame is held against the document, missing ones are counted, and a lost connection is made anew where its
    close code says so.
    """
    from gateway.watch.command import Options, run

    sys.exit(
        run(
            Options(
                stream=stream,
                exchange=exchange,
                symbol=symbol,
                exchange_id=exchange_id,
                currency=currency,
                resolution=resolution,
                history=history,
                duration_s=duration,
                auth_demo=auth_demo,
                url=url,
                token=token,
            )
        )
    )


@main.command()
@click.option("--user", default="1", show_default=True, help="The user's id, and the token's subject.")
@click.option("--accounts", default="1", show_default=True, help="Account numbers, with a comma between.")
@click.option("--scope", help="Scopes, with blanks between. Default: all of the demo's.")
@click.option("--expires", default=3600, show_default=True, help="Seconds until the token expires.")
def token(user: str, accounts: str, scope: str | None, expires: int) -> None:
    """Print a token, signed with TAPECAST_JWT_SECRET."""
    from gateway.keys import KeysError
    from gateway.settings import SettingsError, load_settings
    from gateway.tokens import DEMO_SCOPES
    from handlers.auth import mint
    from streaming.clock import SystemClock

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
            scopes=DEMO_SCOPES if scope is None else scope.split(),
            expires_in_s=expires,
            now_ms=SystemClock().now_ms(),
            issuer=settings.jwt_issuer,
            audience=settings.jwt_audience,
        )
    except (SettingsError, ValueError) as error:
        click.echo(f"tapecast: {error}", err=True)
        sys.exit(2)
    click.echo(minted)


_PASSED_ON: dict[str, Any] = {
    "context_settings": {"ignore_unknown_options": True, "help_option_names": []},
    "add_help_option": False,
}
"""What makes a command hand all of its arguments to a tool."""


@main.command(**_PASSED_ON)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def codegen(arguments: tuple[str, ...]) -> None:
    """Generate code from an AsyncAPI document: `tapecast codegen DOCUMENT --server DIR`."""
    try:
        from codegen.__main__ import main as run
    except ModuleNotFoundError as error:
        _lacks("generator", error, "codegen")
    sys.exit(run(arguments))


@main.command(**_PASSED_ON)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def contract(arguments: tuple[str, ...]) -> None:
    """Test a running server against its AsyncAPI document: `tapecast contract DOCUMENT --url ws://...`."""
    try:
        from contract.__main__ import main as run
    except ModuleNotFoundError as error:
        _lacks("contract tester", error, "contract")
    sys.exit(run(arguments))


def _lacks(tool: str, error: ModuleNotFoundError, extra: str) -> NoReturn:
    click.echo(f"tapecast: the {tool} needs {error.name}. Run: pip install '.[{extra}]'", err=True)
    sys.exit(2)


if __name__ == "__main__":
    main()
