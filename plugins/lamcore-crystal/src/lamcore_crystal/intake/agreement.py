"""The second reader: pymatgen must see the same cell and the same atoms in a file."""

from __future__ import annotations

import warnings
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from lamcore_crystal.codes import finding
from lamcore_crystal.findings import Finding
from lamcore_crystal.intake.shown import shown

if TYPE_CHECKING:
    from lamcore_crystal.geometry import Geometry

_LENGTH_SHARE = 1e-3


def disagreement(text: str, geometry: Geometry, occupancy_window: tuple[float, float]) -> Finding | None:
    """Where pymatgen reads another structure from the text of one block; None where the two agree.

    Compared are the number of atoms of each element and the metric of the cell.
    """
    from pymatgen.io.cif import CifParser

    with warnings.catch_warnings():
        # What pymatgen warns of is judged by the codes of this package.
        warnings.simplefilter("ignore")
        try:
            parser = CifParser.from_str(text, occupancy_tolerance=occupancy_window[1], check_cif=False)
            structures = parser.parse_structures(primitive=False, symmetrized=False, on_error="raise")
        except MemoryError:
            raise
        except Exception as error:  # pymatgen raises whatever its parts raise; the file is refused with the reason
            message = (
                f"gemmi reads {len(geometry)} atoms, pymatgen fails: {type(error).__name__}: {shown(str(error), 200)}"
            )
            return finding("E_PARSERS_DISAGREE", message)
    if len(structures) != 1:
        return finding("E_PARSERS_DISAGREE", f"pymatgen reads {len(structures)} structures, expected one")
    theirs: Counter[int] = Counter()
    for site in structures[0]:
        for species, occupancy in site.species.items():
            # An occupancy within the window was snapped to 1 before; pymatgen keeps what is below 1.
            if occupancy >= occupancy_window[0]:
                theirs[int(getattr(species, "Z", 0))] += 1
    ours = Counter(geometry.numbers.tolist())
    if ours != theirs:
        message = f"gemmi reads {_text(ours)}, pymatgen {_text(theirs)}"
        return finding("E_PARSERS_DISAGREE", message, gemmi=_text(ours), pymatgen=_text(theirs))
    a, b = (np.array(cell) @ np.array(cell).T for cell in (geometry.cell, structures[0].lattice.matrix))
    if not np.allclose(a, b, rtol=0, atol=_LENGTH_SHARE * float(np.abs(b).max())):
        return finding("E_PARSERS_DISAGREE", "gemmi and pymatgen read different cells")
    return None


def _text(counts: Counter[int]) -> str:
    from ase.data import chemical_symbols

    return " ".join(f"{chemical_symbols[number]}{n}" for number, n in sorted(counts.items()))
