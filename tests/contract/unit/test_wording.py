"""What a stranger sent is shown as one harmless line."""

from contract.wording import cut, of_data, visible
from tests.contract.unit.made import HOSTILE


def test_nothing_stays_that_moves_a_cursor_or_turns_a_line() -> None:
    """Controls, line ends, direction marks and half surrogates are escapes; letters of any script stay."""
    assert visible("a\x1b[2J\n\r\t\u202e\u2028\ud83d\x00") == r"a\x1b[2J\n\r\t\u202e\u2028\ud83d\x00"
    assert visible("häßlich 茶 😀 'x'") == "häßlich 茶 😀 'x'"
    assert visible(HOSTILE).isprintable()


def test_long_texts_are_cut_in_the_middle() -> None:
    """The beginning and the end of a long frame stay, and it says how much is left out."""
    shown = cut("b" + "x" * 10_000 + "e", 90)
    assert shown.startswith("bxx")
    assert shown.endswith("xxe")
    assert "9,912 characters" in shown
    assert len(shown) < 130
    assert cut("abc", 3) == "abc"


def test_bytes_are_shown_as_such() -> None:
    """A binary frame shows its length and its bytes, of a long one the first and the last."""
    assert of_data(b"\x00\xff") == "2 bytes: 00 ff"
    shown = of_data(bytes(range(256)) * 100)
    assert shown.startswith("25,600 bytes: 00 01")
    assert shown.endswith("fe ff")
    assert len(shown) < 600
