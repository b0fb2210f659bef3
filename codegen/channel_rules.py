"""Channel rules: which frames and operations of a channel can be taken for others. It generates nothing.

None of it is a fault: a document may leave open what a server must decide. The decision is told as a warning.
"""

from codegen.document import Place
from codegen.ownership import dialogues
from codegen.reading import Reader
from codegen.telling import alike, in_order


class ChannelRules:
    """Checks the channels of a document whose channels, operations and messages have the right structure."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._faults = reader.document.faults

    def check(self) -> None:
        """Note every decision."""
        for dialogue in dialogues(self._reader, "server").values():
            for idle in dialogue.idle:
                text = f"Each message of {idle.key!r} belongs to another operation of its channel: it gets no method."
                self._faults.warn(idle.name_mark, "ambiguous-operation", text)
            self._alike(dialogue.incoming)

    def _alike(self, incoming: tuple[Place, ...]) -> None:
        if self._reader.tag_name(incoming) is not None:
            return
        ranks = {message: index for index, message in enumerate(in_order(self._reader, incoming))}
        told: set[Place] = set()
        for first, second in sorted(alike(self._reader, incoming), key=lambda pair: ranks[pair[0]]):
            if second not in told:
                told.add(second)
                text = (
                    f"A frame of {second.key!r} may fit {first.key!r}, and is taken for that then. Give each a "
                    "required member of the same name with a const."
                )
                self._faults.warn(second.name_mark, "ambiguous-union", text)
