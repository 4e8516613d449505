"""Long lists in pieces that a database takes as parameters of one statement."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")


def batches(items: Iterable[Item], size: int = 500) -> Iterator[list[Item]]:
    """The items in their order, so many at a time."""
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some
