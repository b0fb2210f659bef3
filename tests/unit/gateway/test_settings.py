"""Settings: every variable checked at the start, every fault named."""

from datetime import date
from pathlib import Path

import pytest
import yaml

from gateway.settings import Settings, SettingsError, load_settings
from tests.support.judge import DOCUMENT


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for key in list(os.environ):
        if key.startswith("TAPECAST_"):
            monkeypatch.delenv(key)


def test_the_defaults_are_those_of_the_contract() -> None:
    """What the document publishes under x-limits is what the server starts with."""
    document = yaml.safe_load(DOCUMENT.read_text())
    schemas = document["components"]["schemas"]
    replay = document["components"]["channelBindings"]["trades"]["ws"]["query"]["properties"]["replay"]
    settings = load_settings()
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert settings.sources == ("replay", "sim")
    assert {
        "frame_bytes": settings.max_frame_bytes,
        "token_bytes": settings.max_token_bytes,
        "connections": settings.max_connections,
        "connections_per_user": settings.max_connections_per_user,
        "connections_per_address": settings.max_connections_per_address,
        "subscriptions": settings.max_subscriptions,
        "frames_per_second": settings.frames_per_second,
        "frames_burst": settings.frames_burst,
        "bad_frames_in_a_row": settings.max_bad_frames,
        "outbox_bytes": settings.outbox_bytes,
        "outbox_age_ms": settings.outbox_age_s * 1000,
        "ping_interval_ms": settings.ping_s * 1000,
        "pong_timeout_ms": settings.pong_s * 1000,
        "handshake_ms": settings.handshake_s * 1000,
        "bars_interval_ms": settings.bars_interval_ms,
        "snapshot_bars": schemas["BarsSubscribePayload"]["properties"]["snapshot"]["maximum"],
        "replay_trades": replay["maximum"],
        "ring_frames": settings.ring_frames,
        "ring_age_ms": settings.ring_age_s * 1000,
        "rings_frames": settings.rings_frames,
        "late_ms": settings.late_ms,
        "token_warning_ms": settings.token_warning_ms,
    } == document["x-limits"]


def test_every_setting_is_read_from_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names are TAPECAST_ and the field's, values are parsed."""
    for name, value in {
        "HOST": "0.0.0.0",
        "PORT": "9",
        "SOURCES": " sim , replay",
        "SPEED": "1.5",
        "REPLAY": "/tmp/x.csv",
        "REPLAY_START": "2012-06-04",
        "REPLAY_LOOP": "1",
        "LOG": "json",
        "TRUSTED_PROXIES": "10.0.0.0/8, ::1",
        "DRAIN_S": "0.5",
        "METRICS": "off",
    }.items():
        monkeypatch.setenv(f"TAPECAST_{name}", value)
    settings = load_settings()
    assert (settings.host, settings.port, settings.sources) == ("0.0.0.0", 9, ("sim", "replay"))
    assert (settings.speed, settings.replay, settings.replay_start) == (1.5, Path("/tmp/x.csv"), date(2012, 6, 4))
    assert (settings.replay_loop, settings.log) == (True, "json")
    assert (settings.trusted_proxies, settings.drain_s, settings.metrics) == (("10.0.0.0/8", "::1"), 0.5, "off")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "http"),
        ("PORT", "65536"),
        ("PORT", "-1"),
        ("SPEED", "0"),
        ("SPEED", "nan"),
        ("SPEED", "inf"),
        ("SOURCES", "kraken"),
        ("SOURCES", "sim,sim"),
        ("REPLAY_START", "June"),
        ("REPLAY_LOOP", "perhaps"),
        ("REPLAY_EXCHANGE", "a:b"),
        ("SIM_SYMBOLS", "0"),
        ("SIM_RATE", "-1"),
        ("BARS_INTERVAL_MS", "-1"),
        ("LATENESS_MS", "1.5"),
        ("PING_S", "0"),
        ("LOG", "xml"),
        ("MAX_CONNECTIONS", "0"),
        ("MAX_CONNECTIONS_PER_USER", "ten"),
        ("MAX_TOKEN_BYTES", "4097"),
        ("TRUSTED_PROXIES", "*"),
        ("TRUSTED_PROXIES", "10.0.0.1,proxy.example"),
        ("TRUSTED_PROXIES", "10.0.0.1/8"),
        ("HANDSHAKE_S", "0"),
        ("DRAIN_S", "0"),
        ("DRAIN_S", "inf"),
        ("METRICS", "yes"),
    ],
)
def test_a_malformed_value_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """The text has the variable and what was given."""
    monkeypatch.setenv(f"TAPECAST_{name}", value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert f'TAPECAST_{name}="{value}"' in str(caught.value)
    assert str(caught.value).count("\n") == 0


def test_an_empty_variable_is_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    """As shells and compose files leave them."""
    for name in ("REPLAY", "HOST", "PORT", "SOURCES"):
        monkeypatch.setenv(f"TAPECAST_{name}", "")
    assert load_settings() == Settings()


def test_all_faults_are_named_at_once_and_an_unknown_name_has_a_suggestion(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line each."""
    monkeypatch.setenv("TAPECAST_PROT", "1")
    monkeypatch.setenv("TAPECAST_SPEED", "fast")
    monkeypatch.setenv("TAPECAST_XYZZY", "1")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    lines = str(caught.value).splitlines()
    assert len(lines) == 3
    assert lines[0] == "TAPECAST_PROT is not a setting. Did you mean TAPECAST_PORT?"
    assert lines[1].startswith("TAPECAST_XYZZY is not a setting.")
    assert lines[2].startswith('TAPECAST_SPEED="fast"')


def test_an_unknown_name_alone_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """A setting that is not one is never ignored."""
    monkeypatch.setenv("TAPECAST_XYZZY", "1")
    with pytest.raises(SettingsError):
        load_settings()


def test_every_setting_is_described_in_the_readme() -> None:
    """The README's table has each variable, its default's form and its description."""
    readme = (DOCUMENT.parent / "README.md").read_text()
    for name, field in Settings.model_fields.items():
        assert f"| `TAPECAST_{name.upper()}` |" in readme, name
        assert field.description
        assert field.description in readme, name
