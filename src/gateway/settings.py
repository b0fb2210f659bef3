"""Settings: every `TAPECAST_*` variable, its default and its bounds. It never acts on them."""

import difflib
import os
from datetime import date
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from generated import limits

PREFIX = "TAPECAST_"
CLIENT_VARIABLES = frozenset({"TAPECAST_URL", "TAPECAST_TOKEN"})
"""What `tapecast watch` reads: no settings of the server, which may stand in its environment all the same."""
SourceName = Literal["replay", "sim"]


class SettingsError(Exception):
    """A setting is unknown or malformed; the text names each and says what it takes."""


class Settings(BaseSettings):
    """What the server is told by its environment. The descriptions are the table of the README."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, extra="forbid", frozen=True)

    host: str = Field(default="127.0.0.1", min_length=1, description="The address to listen on.")
    port: int = Field(default=8000, ge=0, le=65535, description="The port to listen on; 0 takes a free one.")
    sources: Annotated[tuple[SourceName, ...], NoDecode] = Field(
        default=("replay", "sim"), description="The market's sources: `replay`, `sim` or both, with a comma between."
    )
    speed: float = Field(
        default=390,
        gt=0,
        le=1e9,
        allow_inf_nan=False,
        description="Market seconds a second of the replay: 390 is a trading day a minute.",
    )
    replay: Path | None = Field(
        default=None, description="A CSV or Parquet file of trades or bars to replay in place of the shipped stocks."
    )
    replay_start: date | None = Field(
        default=None,
        description="The ISO date at which the replay starts; by default 2012-06-01, or a file's first row.",
    )
    replay_loop: bool = Field(default=False, description="Start the replay over at its end, in a new epoch.")
    replay_exchange: str = Field(
        default="replay", pattern=r"^[A-Za-z0-9_.-]{1,32}$", description="The exchange at which a file's symbols trade."
    )
    replay_calendar: str = Field(
        default="24/7",
        description="The calendar of a file's symbols: `24/7` or a name of `exchange-calendars`, such as `XNYS`.",
    )
    replay_skip_bad_rows: bool = Field(default=False, description="Drop and count a file's faulty rows.")
    sim_symbols: int = Field(default=2, ge=1, le=10_000, description="How many synthetic symbols there are.")
    sim_rate: float = Field(
        default=2, gt=0, le=10_000, allow_inf_nan=False, description="Trades a second of each synthetic symbol."
    )
    sim_seed: int = Field(default=1, ge=0, description="The seed of the synthetic market.")
    bars_interval_ms: int = Field(
        default=limits.BARS_INTERVAL_MS,
        ge=0,
        le=60_000,
        description="The least time between two updates of an open bar; 0: none.",
    )
    lateness_ms: int = Field(
        default=0,
        ge=0,
        le=3_600_000,
        description="How long after a bar's end a trade may come.",
    )
    ping_s: float = Field(
        default=limits.PING_INTERVAL_MS / 1000, gt=0, le=3600, allow_inf_nan=False, description="Seconds between pings."
    )
    pong_s: float = Field(
        default=limits.PONG_TIMEOUT_MS / 1000,
        gt=0,
        le=3600,
        allow_inf_nan=False,
        description="Seconds a pong may take.",
    )
    max_frame_bytes: int = Field(default=limits.FRAME_BYTES, ge=1024, description="The largest frame of a client.")
    max_token_bytes: int = Field(
        default=limits.TOKEN_BYTES, ge=256, le=limits.TOKEN_BYTES, description="The largest token."
    )
    max_connections: int = Field(default=limits.CONNECTIONS, ge=1, description="WebSockets of all clients together.")
    max_connections_per_user: int = Field(
        default=limits.CONNECTIONS_PER_USER,
        ge=1,
        description="WebSockets of one user: of a token's `sub` and `user_id`.",
    )
    max_connections_per_address: int = Field(
        default=limits.CONNECTIONS_PER_ADDRESS,
        ge=1,
        description="WebSockets without a token of one address (of IPv6: the first 64 bits).",
    )
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Proxies whose `X-Forwarded-For` is believed: addresses or networks, with a comma between.",
    )
    handshake_s: float = Field(
        default=limits.HANDSHAKE_MS / 1000,
        gt=0,
        le=3600,
        allow_inf_nan=False,
        description="Seconds an opening handshake may take.",
    )
    drain_s: float = Field(
        default=5,
        gt=0,
        le=3600,
        allow_inf_nan=False,
        description="Seconds in which a server that shuts down sends its clients away.",
    )
    metrics: Literal["on", "off"] = Field(default="on", description="Whether `/metrics` is served, to anyone.")
    max_subscriptions: int = Field(default=limits.SUBSCRIPTIONS, ge=1, description="Subscriptions of one connection.")
    frames_per_second: float = Field(
        default=limits.FRAMES_PER_SECOND,
        gt=0,
        allow_inf_nan=False,
        description="Frames a second of a client.",
    )
    frames_burst: int = Field(default=limits.FRAMES_BURST, ge=1, description="Frames of a client at once.")
    max_bad_frames: int = Field(
        default=limits.BAD_FRAMES_IN_A_ROW, ge=1, description="Bad frames in a row before a client is closed."
    )
    outbox_bytes: int = Field(
        default=limits.OUTBOX_BYTES, ge=1024, description="Unsent bytes of one client before it is closed."
    )
    outbox_age_s: float = Field(
        default=limits.OUTBOX_AGE_MS / 1000,
        gt=0,
        allow_inf_nan=False,
        description="Age that a client's oldest unsent byte never exceeds: it is closed in the last second before.",
    )
    ring_frames: int = Field(
        default=limits.RING_FRAMES, ge=1, description="Frames of one stream that are kept for clients that come back."
    )
    ring_age_s: float = Field(
        default=limits.RING_AGE_MS / 1000, gt=0, allow_inf_nan=False, description="Seconds for which they are kept."
    )
    rings_frames: int = Field(
        default=limits.RINGS_FRAMES, ge=1, description="Frames of all streams together that are kept, about 1 KB each."
    )
    data: Path | None = Field(
        default=None,
        description="A folder of the server's own, in which its state survives a restart; else that is a new epoch.",
    )
    late_ms: int = Field(
        default=limits.LATE_MS,
        ge=0,
        le=86_400_000,
        description="How long after its end a bar can be corrected, by the market's clock.",
    )
    token_warning_ms: int = Field(
        default=limits.TOKEN_WARNING_MS, ge=0, description="How long before its token's end a client is warned."
    )
    demo: bool = Field(
        default=False, description="Demo mode: a secret of its own where none is set, and a token printed at the start."
    )
    jwt_secret: SecretStr | None = Field(default=None, description="The HS256 secret of the tokens, 32 bytes or more.")
    jwt_public_key: str | None = Field(
        default=None, description="A public key in PEM, or its file: RS256, ES256 or EdDSA by its kind."
    )
    jwt_jwks_url: str | None = Field(default=None, description="The address of a JWKS with the public keys.")
    jwt_issuer: str | None = Field(default=None, description="What a token's `iss` must be.")
    jwt_audience: str | None = Field(default=None, description="What a token's `aud` must be or hold.")
    jwt_leeway_s: int = Field(default=0, ge=0, le=300, description="Seconds of leeway for `exp` and `nbf`.")
    default_scopes: str = Field(default="", description="The scopes of a token without `scope`, with blanks between.")
    accounts: dict[str, frozenset[int]] = Field(
        default_factory=dict, description='The accounts of a token without `accounts`, by user: `{"1": [1, 2]}`.'
    )
    auth_failure: Literal["http", "close"] = Field(
        default="http", description="How a handshake is refused: by HTTP, or for clients of old accepted and closed."
    )
    bars_token: Literal["optional", "required"] = Field(
        default="optional", description="Whether the bars socket wants a token."
    )
    origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=("*",), description="The Origins whose pages may connect, with a comma between; `*` for any."
    )
    transport: Literal["direct", "stock"] = Field(
        default="direct", description="What carries WebSockets: our own transport, or uvicorn's class."
    )
    log: Literal["text", "json"] = Field(default="text", description="The form of the log's lines.")

    @field_validator("sources", "origins", "trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else value

    @field_validator("sources")
    @classmethod
    def _each_once(cls, value: tuple[SourceName, ...]) -> tuple[SourceName, ...]:
        if len(set(value)) != len(value):
            raise ValueError("names a source twice")
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for proxy in value:
            try:
                ip_network(proxy)
            except ValueError as error:
                raise ValueError(f"{error} (an address or a network, such as 10.0.0.0/8)") from None
        return value


def load_settings() -> Settings:
    """Read the settings from the environment.

    Raises SettingsError, with one sentence for each fault, where one is unknown or malformed.
    """
    names = {PREFIX + name.upper() for name in Settings.model_fields}
    faults = []
    for key in sorted(os.environ):
        if key.upper().startswith(PREFIX) and key.upper() not in names | CLIENT_VARIABLES:
            near = difflib.get_close_matches(key.upper(), names, n=1)
            faults.append(f"{key} is not a setting." + (f" Did you mean {near[0]}?" if near else ""))
    try:
        settings = Settings()
    except ValidationError as error:
        for fault in error.errors(include_url=False, include_context=False):
            key = PREFIX + str(fault["loc"][0]).upper()
            given = os.environ.get(key, "")
            shown = "(hidden)" if "SECRET" in key else given[:80]
            faults.append(f'{key}="{shown}" does not do: {fault["msg"].removeprefix("Value error, ")}.')
        raise SettingsError("\n".join(faults)) from None
    if faults:
        raise SettingsError("\n".join(faults))
    return settings
