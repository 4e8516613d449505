"""Diatomic molecules with measured bond lengths."""

from __future__ import annotations

from collections.abc import Iterator

from lamcore import Case, Dataset

# Equilibrium distances r_e, Å: K. P. Huber and G. Herzberg, Constants of Diatomic Molecules (1979),
# doi:10.1007/978-1-4757-0961-2, as in the NIST Chemistry WebBook.
BOND_LENGTHS_ANG = {"H2": 0.74144, "N2": 1.09768, "O2": 1.20752, "CO": 1.12832, "NO": 1.15077, "OH": 0.96966}


class Dimers(Dataset):
    """One case for each molecule, in a fixed order."""

    def __init__(self) -> None: ...

    def cases(self) -> Iterator[Case]:
        """The molecules at their measured bond length."""
        from ase import Atoms

        for formula, length in BOND_LENGTHS_ANG.items():
            atoms = Atoms(formula, positions=[[0, 0, 0], [0, 0, length]])
            yield Case(formula, (atoms,), {"bond_length_ang": length})
