"""Telemetry: the log's form and its lines. A token never reaches it: of an address it is given the path alone.

Should one stand where none belongs, in a path or in a library's error, its text is taken out.
"""

import logging
import re
import sys
from typing import Final, Literal, TextIO

import structlog
from structlog.typing import Processor

_TOKEN: Final = re.compile(r"eyJ[A-Za-z0-9_-]*(?:\.[A-Za-z0-9_=-]*)+", re.ASCII)
"""What begins as every JWT does: `{"` in base64url."""


class _Formatter(structlog.stdlib.ProcessorFormatter):
    """Takes tokens out of the finished line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        return _TOKEN.sub("(token)", super().format(record))


def configure_logging(form: Literal["text", "json"], stream: TextIO = sys.stderr) -> None:
    """Write every log line, uvicorn's included, to `stream`: as text or as one JSON object a line."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
    ]
    renderer: list[Processor] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
        if form == "json"
        # Never the rich traceback: it prints local variables, and a token may be one.
        else [
            structlog.dev.ConsoleRenderer(
                colors=False, timestamp_key="time", exception_formatter=structlog.dev.plain_traceback
            )
        ]
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        _Formatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    # uvicorn's own lines for each WebSocket hold the whole query, and with it a token: ours replace them.
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    logging.getLogger("uvicorn.access").disabled = True


def get_logger() -> structlog.stdlib.BoundLogger:
    """Return the gateway's logger."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger("tapecast")
    return logger
