"""Build: the sources that the settings ask for. It is the only module here that knows the settings."""

from pathlib import Path

from gateway.settings import Settings
from gateway.sources.replay import ReplayOptions, open_replay
from gateway.sources.sim import EXCHANGE as SIM_EXCHANGE
from gateway.sources.sim import SimOptions, SimSource
from gateway.sources.source import Source, SourceError
from streaming.clock import Clock

SIM_EXCHANGE_ID = 1


async def build_sources(settings: Settings, clock: Clock, cache: Path | None) -> tuple[Source, ...]:
    """Return the sources in the order of the setting; `cache` is the folder for what takes time to make.

    SourceError: one of them can't be had; the text says what to change.
    """
    replays_a_file = "replay" in settings.sources and settings.replay is not None
    if replays_a_file and "sim" in settings.sources and settings.replay_exchange == SIM_EXCHANGE:
        raise SourceError(
            f"TAPECAST_REPLAY_EXCHANGE can't be {SIM_EXCHANGE!r} while the sim is on: choose another name."
        )
    sources: list[Source] = []
    for name in settings.sources:
        match name:
            case "replay":
                sources.append(await open_replay(replay_options(settings, cache), clock))
            case "sim":
                options = SimOptions(
                    settings.sim_symbols, settings.sim_rate, settings.sim_seed, exchange_id=SIM_EXCHANGE_ID
                )
                sources.append(SimSource(options, clock))
    return tuple(sources)


def replay_options(settings: Settings, cache: Path | None) -> ReplayOptions:
    """Return the options of the replay: a user's file where one is given, else the shipped one."""
    # The sim's demo account is 1 wherever there is a sim, whatever the order of the sources.
    exchange_id = SIM_EXCHANGE_ID + 1 if "sim" in settings.sources else SIM_EXCHANGE_ID
    if settings.replay is None:
        shipped = ReplayOptions()
        return ReplayOptions(
            start=settings.replay_start or shipped.start,
            speed=settings.speed,
            loop=settings.replay_loop,
            lateness_ms=settings.lateness_ms,
            cache=cache,
            exchange_id=exchange_id,
        )
    return ReplayOptions(
        path=settings.replay,
        exchange=settings.replay_exchange,
        calendar=settings.replay_calendar,
        start=settings.replay_start,
        speed=settings.speed,
        loop=settings.replay_loop,
        skip_bad_rows=settings.replay_skip_bad_rows,
        lateness_ms=settings.lateness_ms,
        cache=cache,
        exchange_id=exchange_id,
    )
