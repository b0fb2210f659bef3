"""Parts: of what a rooms server is made, so that a mutant can put another part in the place of one. It runs nothing."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.contract.rooms.door import Door
from tests.contract.rooms.house import House, Json
from tests.contract.rooms.lines import FloorLine, HouseLine


def untouched(document: Json) -> None:
    """Leave the document as it is."""
    del document


@dataclass(frozen=True)
class Parts:
    """The classes that a server is made of; `edit` changes the schemas by which it judges what comes in."""

    house: type[House] = House
    door: type[Door] = Door
    house_line: type[HouseLine] = HouseLine
    floor_line: type[FloorLine] = FloorLine
    edit: Callable[[Json], None] = untouched
