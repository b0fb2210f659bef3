"""Gaps: says in a sentence what of a stream was missed. It finds none: the client does."""

from typing import Final

from tapecast_client import Missed
from tapecast_client.models import BarsReset, Gap, Limits

DOUBLE: Final = "A frame came a second time; it is not shown again."
_SILENT: Final = "A hole: frames before this one were missed, and nobody said so."
_REASONS: Final = {
    "other_epoch": "the stream began anew",
    "too_old": "the server no longer has what came between",
    "unknown_position": "the server does not know the position that is held",
}


def is_silent(missed: Missed) -> bool:
    """Tell whether the server should have spoken of it, and didn't."""
    return not missed.told and missed.why in ("hole", "not_recovered")


def text_of(missed: Missed, limits: Limits | None) -> str:
    """Return the sentence. `limits` are what `ready` said of the server's."""
    match missed.message:
        case BarsReset(payload=reset):
            return f"The bars from here on don't join those before: {_REASONS[reset.reason]}."
        case Gap() as gap if gap.from_seq:
            bounds = (
                "" if limits is None else f" It keeps {limits.ring_frames} frames, for {limits.ring_age_ms / 1000:g} s."
            )
            what = "" if gap.key is None else f" of {gap.key}"
            return f"The server no longer has the frames {gap.from_seq} to {gap.to_seq}{what}.{bounds}"
        case Gap():
            return "The stream began anew: what came after the frames before is not known."
        case _:
            pass
    if missed.why == "epoch":
        return "The stream began anew: what was missed between its two lives is not known."
    if missed.why == "cut":
        return "Frames were missed: the connection broke before all of what stood had come."
    return _SILENT
