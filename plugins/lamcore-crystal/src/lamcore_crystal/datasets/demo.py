"""Ten crystals to try things with: alloys and elements of seven metals, none at rest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.spacegroup import crystal

from lamcore.errors import ConfigError
from lamcore_crystal.geometry import Geometry

_SEED = 20260
_STRAIN = 0.015
_RATTLE_ANG = 0.03


def demo_crystals() -> Iterator[tuple[str, Geometry]]:
    """Names and geometries, always the same: strained and rattled from ideal sites.

    The lattice parameters (Å) are rounded from P. Villars and L. D. Calvert, Pearson's Handbook of Crystallographic
    Data for Intermetallic Phases, 2nd ed., ASM International (1991).
    """
    rng = np.random.default_rng(_SEED)
    for name, atoms in _ideal():
        strain = rng.uniform(-_STRAIN, _STRAIN, (3, 3))
        atoms.set_cell(atoms.cell.array @ (np.eye(3) + 0.5 * (strain + strain.T)), scale_atoms=True)
        atoms.positions += rng.normal(scale=_RATTLE_ANG, size=atoms.positions.shape)
        yield name, Geometry.of(atoms)


def write_demo(folder: Path) -> list[Path]:
    """Write the ten crystals as CIF files, and one file that is refused.

    Raises:
        ConfigError: The folder holds something already.
    """
    from ase.io import write

    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(f"{folder}: is not an empty folder; name a new one for the demo's files")
    folder.mkdir(parents=True, exist_ok=True)
    overlapping = Geometry.of(Atoms("Cu2", scaled_positions=[(0, 0, 0), (0, 0, 0.05)], cell=[3.0] * 3, pbc=True))
    files = []
    for name, geometry in (*demo_crystals(), ("overlapping", overlapping)):
        files.append(folder / f"{name}.cif")
        write(files[-1], geometry.atoms())
    return files


def _ideal() -> Iterator[tuple[str, Atoms]]:
    yield "Cu3Au-L12", _l12("Au", "Cu", 3.75)
    yield "CuAu-L10", _l10("Cu", "Au", 2.80, 3.67)
    yield "Ni3Al-L12", _l12("Al", "Ni", 3.57)
    yield "NiAl-B2", _b2("Ni", "Al", 2.89)
    yield "CuPd-B2", _b2("Cu", "Pd", 2.99)
    yield "CuPt-L10", _l10("Cu", "Pt", 2.75, 3.60)
    yield "AgAu-L10", _l10("Ag", "Au", 2.89, 4.08)
    yield "Cu-hcp", bulk("Cu", "hcp", a=2.56, c=4.18)
    yield "Ni3Al-supercell", _l12("Al", "Ni", 3.57) * (2, 1, 1)
    yield "AlPt-B1", crystal(["Al", "Pt"], [(0, 0, 0), (0.5, 0.5, 0.5)], spacegroup=225, cellpar=[5.6] * 3 + [90] * 3)


def _l12(corner: str, face: str, a: float) -> Atoms:
    return Atoms([corner, face, face, face], scaled_positions=_FCC, cell=[a] * 3, pbc=True)


def _l10(first: str, second: str, a: float, c: float) -> Atoms:
    return Atoms([first, second], scaled_positions=[(0, 0, 0), (0.5, 0.5, 0.5)], cell=[a, a, c], pbc=True)


def _b2(first: str, second: str, a: float) -> Atoms:
    return Atoms([first, second], scaled_positions=[(0, 0, 0), (0.5, 0.5, 0.5)], cell=[a] * 3, pbc=True)


_FCC = [(0, 0, 0), (0, 0.5, 0.5), (0.5, 0, 0.5), (0.5, 0.5, 0)]
