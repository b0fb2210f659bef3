"""The settings decide which sources there are."""

from datetime import date
from pathlib import Path
from typing import Literal

import pytest

from gateway.settings import Settings
from gateway.sources.build import build_sources, replay_options
from gateway.sources.replay import SHIPPED_FILE, ReplayOptions
from gateway.sources.source import SourceError
from tests.support.clock import VirtualClock


def test_the_defaults_replay_the_shipped_file() -> None:
    """Without a file the five stocks play at nasdaq from 2012-06-01 on."""
    options = replay_options(Settings(speed=7), Path("cache"))
    assert options == ReplayOptions(
        path=SHIPPED_FILE,
        exchange="nasdaq",
        calendar="XNYS",
        start=date(2012, 6, 1),
        speed=7,
        cache=Path("cache"),
        exchange_id=2,
    )
    assert replay_options(Settings(replay_start=date(2005, 1, 3)), None).start == date(2005, 1, 3)


def test_a_users_file_has_its_own_settings() -> None:
    """A file plays at its exchange, on its calendar, from its first row unless told otherwise."""
    settings = Settings(
        replay=Path("ticks.csv"), replay_loop=True, replay_skip_bad_rows=True, lateness_ms=5, replay_calendar="XNYS"
    )
    options = replay_options(settings, None)
    assert (options.path, options.exchange, options.calendar) == (Path("ticks.csv"), "replay", "XNYS")
    assert options.start is None
    assert options.loop
    assert options.skip_bad_rows
    assert options.lateness_ms == 5


async def test_the_sources_come_as_listed(tmp_path: Path) -> None:
    """Each source that the settings name is built once, in their order."""
    file = tmp_path / "ticks.csv"
    file.write_text("timestamp,symbol,price,volume\n2012-06-01,A,1,1\n")
    settings = Settings(sources=("sim", "replay"), replay=file, sim_symbols=3)
    sources = await build_sources(settings, VirtualClock(), None)
    assert [source.name for source in sources] == ["sim", "replay"]
    assert len(sources[0].symbols) == 3
    assert sources[1].symbols[0].key == "replay:A"


@pytest.mark.parametrize(
    ("names", "ids"),
    [
        (("sim", "replay"), {"sim": 1, "replay": 2}),
        (("replay", "sim"), {"sim": 1, "replay": 2}),
        (("replay",), {"replay": 1}),
        (("sim",), {"sim": 1}),
    ],
)
async def test_each_source_has_a_numbered_account(
    tmp_path: Path, names: tuple[Literal["sim", "replay"], ...], ids: dict[str, int]
) -> None:
    """User 1 has one account in each source: the sim's is 1 wherever there is a sim, the replay's is next."""
    file = tmp_path / "ticks.csv"
    file.write_text("timestamp,symbol,price,volume\n2012-06-01,A,1,1\n2012-06-01,B/EUR,1,1\n")
    sources = await build_sources(Settings(sources=names, replay=file), VirtualClock(), None)
    accounts = {account.exchange: account for source in sources for account in source.accounts}
    assert {exchange: account.exchange_id for exchange, account in accounts.items()} == ids
    assert {account.user_id for account in accounts.values()} == {"1"}
    if "replay" in accounts:
        assert accounts["replay"].currencies == ("USD", "EUR", "A", "B")
    if "sim" in accounts:
        assert accounts["sim"].currencies == ("USDT", "BTC", "ETH")


async def test_two_sources_cannot_share_an_exchange(tmp_path: Path) -> None:
    """A file at exchange `sim` beside the sim is refused; without a file the name has no effect."""
    with pytest.raises(SourceError, match="TAPECAST_REPLAY_EXCHANGE can't be 'sim'"):
        await build_sources(Settings(replay=tmp_path / "x.csv", replay_exchange="sim"), VirtualClock(), None)
    assert len(await build_sources(Settings(replay_exchange="sim"), VirtualClock(), None)) == 2
