"""Telemetry: the log's form and its lines. A token never reaches it: of an address it is given the path alone.

Should one stand where none belongs, in a path or in a library's error, its text is taken out.
"""

import logging
import re
import sys
from typing import Final, Literal, TextIO

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

_TOKEN: Final = re.compile(r"eyJ[A-Za-z0-9_-]*(?:\.[A-Za-z0-9_=-]*)+", re.ASCII)
"""What begins as every JWT does: `{"` in base64url."""


_NAME: Final = "tapecast"


class _Formatter(structlog.stdlib.ProcessorFormatter):
    """Takes tokens out of the finished line. A line of ours is whole already: two a connection have to be cheap."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        return _TOKEN.sub("(token)", record.getMessage() if record.name == _NAME else super().format(record))


def _text(logger: WrappedLogger, method: str, event: EventDict) -> str:
    """Return an event as a line: time, level, event, the rest by name; then the traceback, if there is one."""
    time, level, what = event.pop("time"), event.pop("level"), event.pop("event")
    exception = event.pop("exception", None)
    line = f"{time} [{level:<9}] {what:<30} " + " ".join([f"{key}={_shown(event[key])}" for key in sorted(event)])
    return line.rstrip() if exception is None else f"{line.rstrip()}\n{exception}"


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else repr(value)
    return repr(text) if isinstance(value, str) and (not text.isprintable() or " " in text or "=" in text) else text


def configure_logging(form: Literal["text", "json"], stream: TextIO = sys.stderr) -> None:
    """Write every log line, uvicorn's included, to `stream`: as text or as one JSON object a line."""
    processors: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        # Never the rich traceback: it prints local variables, and a token may be one.
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer() if form == "json" else _text,
    ]
    structlog.configure(
        processors=processors,
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        _Formatter(
            foreign_pre_chain=processors[:3],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *processors[3:]],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    # uvicorn's own lines for each WebSocket hold the whole query, and with it a token: ours replace them.
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    logging.getLogger("uvicorn.access").disabled = True


def get_logger() -> FilteringBoundLogger:
    """Return the gateway's logger."""
    logger: FilteringBoundLogger = structlog.get_logger(_NAME)
    return logger
