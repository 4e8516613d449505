"""Nine small structures of different kinds of bonding."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from ase import Atoms

from lamcore import Case, Dataset
from lamcore_md.datasets.replicas import check_replicas, replicated

RUTILE_A_ANG: Final = 4.593
RUTILE_C_ANG: Final = 2.959
RUTILE_U: Final = 0.3048
LATTICE_CONSTANTS_ANG: Final = {"NaCl": 5.64, "Si": 5.43, "Cu": 3.61, "W": 3.16, "Al": 4.05}
SLAB_VACUUM_ANG: Final = 8.0


def _molecule(name: str) -> Callable[[], Atoms]:
    def build() -> Atoms:
        from ase.build import molecule

        atoms: Atoms = molecule(name)
        return atoms

    return build


def _crystal(formula: str, prototype: str, repeats: int, cubic: bool = False) -> Callable[[], Atoms]:
    def build() -> Atoms:
        from ase.build import bulk

        cell = bulk(formula, prototype, a=LATTICE_CONSTANTS_ANG[formula], cubic=cubic)
        atoms: Atoms = cell * (repeats, repeats, repeats)
        return atoms

    return build


def _rutile() -> Atoms:
    from ase.spacegroup import crystal

    cell = crystal(
        ("Ti", "O"),
        basis=[(0, 0, 0), (RUTILE_U, RUTILE_U, 0)],
        spacegroup=136,
        cellpar=[RUTILE_A_ANG, RUTILE_A_ANG, RUTILE_C_ANG, 90, 90, 90],
    )
    return _plain(cell * (1, 1, 2))


def _slab() -> Atoms:
    from ase.build import fcc111

    return _plain(fcc111("Al", (2, 2, 4), a=LATTICE_CONSTANTS_ANG["Al"], vacuum=SLAB_VACUUM_ANG))


def _plain(atoms: Atoms) -> Atoms:
    """Without what the builder remembers of how it was built."""
    return Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=atoms.pbc)


SYSTEMS: Final[Mapping[str, Callable[[], Atoms]]] = {
    "water": _molecule("H2O"),
    "methanol": _molecule("CH3OH"),
    "benzene": _molecule("C6H6"),
    "silicon": _crystal("Si", "diamond", 1, cubic=True),
    "sodium-chloride": _crystal("NaCl", "rocksalt", 1, cubic=True),
    "copper": _crystal("Cu", "fcc", 2),
    "tungsten": _crystal("W", "bcc", 2),
    "aluminium-slab": _slab,
    "rutile": _rutile,
}
"""Builders by id; the cheapest for a model with a cut-off come first."""


class NineSystems(Dataset):
    """Three molecules without a cell, two metals, two ionic crystals, a covalent one, and a slab; none is relaxed.

    Args:
        replicas: Trajectories of each structure.

    Raises:
        ConfigError: `replicas` is less than one.
    """

    def __init__(self, replicas: int = 1) -> None:
        self._replicas = check_replicas(replicas)

    def cases(self) -> Iterator[Case]:
        """Every first trajectory, then every second one."""
        built = {name: list(replicated(name, build(), self._replicas)) for name, build in SYSTEMS.items()}
        for number in range(self._replicas):
            yield from (cases[number] for cases in built.values())
