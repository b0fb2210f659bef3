"""Make daily_bars.csv from PyPI's bokeh_sampledata: the same rows in another order. It changes no text of a number.

    pip download --no-deps bokeh_sampledata==2026.1 && unzip -p bokeh_sampledata-*.whl '*/stocks.csv.gz' > stocks.csv.gz
    python src/gateway/sources/data/make_daily_bars.py stocks.csv.gz

It is not run by the server: the result is committed beside it.
"""

import csv
import gzip
import hashlib
import sys
from pathlib import Path

ORIGIN_SHA256 = "5abadf99b2d394f920120a27de6f0df129859d71d4cfb0bf661bcc99446ab1fd"
ORIGIN_COLUMNS = ["Ticker", "Date", "Open", "High", "Low", "Close", "Volume", "Adj Close"]
COLUMNS = ["timestamp", "symbol", "open", "high", "low", "close", "volume"]


def daily_bars(origin: bytes) -> str:
    """Return the CSV text for the bytes of `stocks.csv.gz`, sorted by date, then symbol.

    Raises ValueError when its columns aren't the ones this was written for.
    """
    rows = list(csv.reader(gzip.decompress(origin).decode().splitlines()))
    if not rows or rows[0] != ORIGIN_COLUMNS:
        raise ValueError(f"the columns must be {ORIGIN_COLUMNS}, not {rows[:1]}")
    bars = sorted([date, ticker, *prices_and_volume] for ticker, date, *prices_and_volume, _adjusted in rows[1:])
    return "".join(",".join(row) + "\n" for row in [COLUMNS, *bars])


def main(arguments: list[str]) -> int:
    """Write daily_bars.csv beside this file; return 2 when the origin isn't the file that it was made from."""
    origin = Path(arguments[0]).read_bytes()
    if hashlib.sha256(origin).hexdigest() != ORIGIN_SHA256:
        sys.stderr.write(f"{arguments[0]} is not the stocks.csv.gz of bokeh_sampledata 2026.1 (sha256 differs)\n")
        return 2
    Path(__file__).with_name("daily_bars.csv").write_text(daily_bars(origin), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
