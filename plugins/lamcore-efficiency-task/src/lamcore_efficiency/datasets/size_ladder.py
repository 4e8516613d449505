"""Crystals repeated to a ladder of sizes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lamcore import Case, Dataset
from lamcore.errors import ConfigError, UnknownNameError

if TYPE_CHECKING:
    from ase import Atoms

EQUAL_SIZE: Final = (800, 1000)
"""Atoms at which models are compared: LAMBench's range."""
DEFAULT_MATERIALS: Final = ("Si", "NaCl")
_WATER_BOX_ANG: Final = 3.1
_WATER_ALONE_ANG: Final = 12.0


@dataclass(frozen=True)
class Material:
    """What is repeated.

    Attributes:
        smallest: One structure that is as small as this material gets.
        cell: What the ladder repeats.
        edges: How often along each axis.
    """

    smallest: Atoms
    cell: Atoms
    edges: tuple[int, ...]


def materials() -> dict[str, Material]:
    """All materials by name, at experimental lattice constants: Si 5.431, NaCl 5.640, Cu 3.615 Å."""
    from ase.build import bulk, molecule

    alone, packed = molecule("H2O"), molecule("H2O")
    for water, edge in ((alone, _WATER_ALONE_ANG), (packed, _WATER_BOX_ANG)):
        water.set_cell([edge] * 3)
        water.center()
        water.pbc = True
    return {
        "Si": Material(bulk("Si", a=5.431), bulk("Si", a=5.431, cubic=True), (1, 2, 3, 5, 8, 10, 15, 20)),
        "NaCl": Material(
            bulk("NaCl", "rocksalt", a=5.64),
            bulk("NaCl", "rocksalt", a=5.64, cubic=True),
            (1, 2, 3, 5, 8, 10, 15, 20),
        ),
        "Cu": Material(bulk("Cu", a=3.615), bulk("Cu", a=3.615, cubic=True), (1, 2, 3, 6, 8, 10, 15, 20, 25)),
        "H2O": Material(alone, packed, (1, 2, 3, 4, 6, 8, 11, 14, 17)),
    }


class SizeLadder(Dataset):
    """For each material one small structure and its cell repeated; for the first also batches and the largest size.

    Args:
        names: The materials, in this order; Si and NaCl where not given.
        max_atoms: The largest size.

    Raises:
        ConfigError: There are no materials, one is unknown or there twice, or the largest size is less than 100 atoms.
    """

    def __init__(self, names: Sequence[str] | None = None, max_atoms: int = 1000) -> None:
        self._names = list(DEFAULT_MATERIALS if names is None else names)
        self._max_atoms = max_atoms
        known = materials()
        for name in self._names:
            if name not in known:
                raise UnknownNameError(f"dataset.materials: {name!r} is unknown, expected some of {', '.join(known)}")
        if not self._names or len(set(self._names)) < len(self._names):
            raise ConfigError(f"dataset.materials is {self._names}, expected at least one, each once")
        if max_atoms < 100:
            raise ConfigError(f"dataset.max_atoms is {max_atoms}, expected at least 100: smaller ladders tell no cost")

    def cases(self) -> Iterator[Case]:
        """The ladder of each material, small to large, then the batch and the limit of the first one."""
        known = materials()
        for name in self._names:
            yield from self._ladder(name, known[name])
        first = self._names[0]
        cell = known[first].cell
        yield Case(f"{first}-batch", (cell,), {}, {"measure": "batch", "group": first})
        yield Case(f"{first}-capacity", (cell,), {}, {"measure": "capacity", "group": first})

    def _ladder(self, name: str, material: Material) -> Iterator[Case]:
        smallest = material.smallest
        settings = {"measure": "time", "group": name, "repeats": [1, 1, 1], "latency": True}
        yield Case(f"{name}-small-{len(smallest)}", (smallest,), {}, settings)
        sizes = {edge: len(material.cell) * edge**3 for edge in material.edges}
        equal = [size for size in sizes.values() if EQUAL_SIZE[0] <= size <= EQUAL_SIZE[1]]
        for edge, size in sizes.items():
            if size <= self._max_atoms:
                settings = {
                    "measure": "time",
                    "group": name,
                    "repeats": [edge] * 3,
                    "equal_size": size == max(equal, default=math.inf),
                }
                yield Case(f"{name}-{size}", (material.cell,), {}, settings)
