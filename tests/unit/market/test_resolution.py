"""Resolutions: the texts that clients may write. It knows nothing of bars."""

import pytest

from market.resolution import Resolution, parse_resolution


def test_canonical_texts_name_themselves() -> None:
    """The eleven canonical texts, shortest first, are the resolutions' values."""
    texts = ["1", "3", "5", "15", "30", "60", "120", "240", "1D", "1W", "1M"]
    assert [resolution.value for resolution in Resolution] == texts
    assert [parse_resolution(text) for text in texts] == list(Resolution)


@pytest.mark.parametrize(
    ("alias", "canonical"),
    [
        ("D", "1D"),
        ("W", "1W"),
        ("M", "1M"),
        ("1m", "1"),
        ("5m", "5"),
        ("15m", "15"),
        ("30m", "30"),
        ("1h", "60"),
        ("4h", "240"),
        ("1d", "1D"),
        ("1w", "1W"),
    ],
)
def test_aliases_name_a_canonical_resolution(alias: str, canonical: str) -> None:
    """Each alias of the contract is the resolution that it stands for; `1m` is a minute and `M` a month."""
    assert parse_resolution(alias) is Resolution(canonical)


@pytest.mark.parametrize("text", ["", "2", "01", "1 ", "1H", "d", "w", "m", "3m", "2h", "1Y", "1S", "60m", "\uff11"])
def test_other_texts_name_nothing(text: str) -> None:
    """A text outside the contract is no resolution, however near it comes."""
    assert parse_resolution(text) is None


def test_only_intraday_resolutions_have_minutes() -> None:
    """Minutes are given for intraday resolutions; a day's, a week's and a month's length is the calendar's."""
    assert [resolution.minutes for resolution in Resolution] == [1, 3, 5, 15, 30, 60, 120, 240, None, None, None]
