"""From the conformers of a fragment to a case, whatever file they came from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lamcore import Case
from lamcore.errors import DataError
from lamcore_torsion.held_dihedral import dihedral_deg
from lamcore_torsion.physics import relative_to_minimum
from lamcore_torsion.wells import wrapped_deg

if TYPE_CHECKING:
    from ase import Atoms

_OFF_THE_GRID_DEG = 0.5
_CLOSEST_DEG = 0.05
"""Two conformers at angles closer than this are one too many."""


def fragment_case(
    name: str,
    conformers: Sequence[Atoms],
    energies_kcal_per_mol: Sequence[float],
    *,
    functional: str,
    source: Path,
    dihedral: Sequence[int] | None = None,
    smiles: str | None = None,
) -> Case:
    """The case of one fragment: its conformers, in the order of their angles where the dihedral is known.

    Args:
        name: Its id.
        conformers: One molecule in several shapes, the same atoms in the same order.
        energies_kcal_per_mol: Of each; a constant may be added to all.
        functional: Of the energies.
        source: For messages.
        dihedral: The four atoms whose dihedral is scanned; found from the conformers if not given, where they are the
            steps of a regular scan.
        smiles: Of the molecule.

    Raises:
        DataError: There are fewer than three conformers, their atoms differ, an energy is missing or not finite, or two
            have the same angle.
    """
    where = f"{source}: fragment {name}"
    if len(conformers) < 3:
        raise DataError(f"{where}: has {len(conformers)} conformers, expected at least three of a scan")
    numbers = conformers[0].numbers
    if not all(np.array_equal(atoms.numbers, numbers) for atoms in conformers):
        raise DataError(f"{where}: the conformers are not the same atoms in the same order")
    energies = np.asarray(energies_kcal_per_mol, dtype=np.float64)
    if n_bad := int((~np.isfinite(energies)).sum()):
        raise DataError(
            f"{where}: the energy of {n_bad} of {len(energies)} conformers is not finite; "
            "take the fragment out of the file, or choose other labels with dataset.labels=…"
        )
    if dihedral is None:
        dihedral = scanned_dihedral(conformers)
    settings: dict[str, object] = {"functional": functional, "name": smiles or name, "smiles": smiles}
    order = np.arange(len(conformers))
    if dihedral is not None:
        if len(set(dihedral)) != 4 or not all(0 <= index < len(numbers) for index in dihedral):
            raise DataError(
                f"{where}: the dihedral is {list(dihedral)}, expected four different indices of its {len(numbers)} "
                "atoms, counted from 0"
            )
        measured = np.array([dihedral_deg(atoms.positions, dihedral) for atoms in conformers])
        # −179.99° is the scan's 180°: it belongs at the end.
        measured = np.where(measured < -180.0 + _OFF_THE_GRID_DEG, measured + 360.0, measured)
        order = np.argsort(measured, kind="stable")
        closest = float(np.diff(measured[order]).min())
        if closest < _CLOSEST_DEG:
            raise DataError(f"{where}: two conformers have the same dihedral within {closest:.3f} degrees")
        settings |= {
            "torsion_atoms": [int(index) for index in dihedral],
            "angles_deg": np.round(measured[order], 4).tolist(),
        }
    return Case(
        id=name,
        structures=tuple(conformers[int(i)] for i in order),
        reference={"energies_kcal_per_mol": relative_to_minimum(energies[order]).tolist()},
        settings=settings,
    )


def scanned_dihedral(conformers: Sequence[Atoms]) -> list[int] | None:
    """The four bonded atoms whose dihedral takes the steps of a regular scan over the conformers.

    Of several that do within half a degree, the one that does best; None where there is none. Other dihedrals about the
    same bond follow the scan only roughly, since what hangs on its ends bends and twists along.
    """
    from lamcore_torsion.chemistry import bonds

    neighbours: dict[int, list[int]] = {}
    pairs = bonds(conformers[0])
    for i, j in pairs:
        neighbours.setdefault(i, []).append(j)
        neighbours.setdefault(j, []).append(i)
    best: tuple[float, list[int]] | None = None
    for b, c in pairs:
        for a in neighbours[b]:
            for d in neighbours[c]:
                if a in (c, d) or d == b:
                    continue
                off = _distance_from_a_scan(conformers, (a, b, c, d))
                if off < _OFF_THE_GRID_DEG and (best is None or off < best[0]):
                    best = off, [a, b, c, d]
    return None if best is None else best[1]


def _distance_from_a_scan(conformers: Sequence[Atoms], dihedral: Sequence[int]) -> float:
    """By how much the dihedrals miss equal steps over a full turn, degrees."""
    angles = np.sort([dihedral_deg(atoms.positions, dihedral) for atoms in conformers])
    ideal = np.arange(len(angles)) * 360.0 / len(angles)
    missed = wrapped_deg(angles - ideal - (angles[0] - ideal[0]))
    return float(np.abs(missed - (missed.max() + missed.min()) / 2).max())
