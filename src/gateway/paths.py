"""Paths: where the server finds what set-up fetched and keeps what it can make again."""

import tempfile
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]


def cache_folder() -> Path:
    """Return the folder for what can be made again: the checkout's `.cache`, else one of the user's own."""
    if (CHECKOUT / "pyproject.toml").is_file():
        return CHECKOUT / ".cache"
    return Path(tempfile.gettempdir()) / "tapecast-cache"


def assets_folder() -> Path:
    """Return the folder of the documentation page's files, which `make assets` fetches."""
    return cache_folder() / "assets"
