"""Torsion scans as an SDF: one entry a conformer, its energy in a tag."""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamcore import Case, Dataset
from lamcore.errors import DataError
from lamcore_torsion.datasets.files import read_bytes
from lamcore_torsion.datasets.fragments import fragment_case
from lamcore_torsion.datasets.units import EnergyUnit, kcal_per_mol

if TYPE_CHECKING:
    from ase import Atoms


class SdfTorsions(Dataset):
    """Fragments of an SDF, plain or gzipped; hydrogens have to be there.

    Args:
        path: The file.
        energy_tag: The tag that holds the energy.
        energy_unit: Of that energy.
        functional: Of the labels.
        group_tag: The tag that names the fragment; the title line if not given.
    """

    def __init__(
        self, path: Path, energy_tag: str, energy_unit: EnergyUnit, functional: str, group_tag: str | None = None
    ) -> None:
        self._path = path
        self._energy_tag = energy_tag
        self._energy_unit = energy_unit
        self._functional = functional
        self._group_tag = group_tag
        self.files = {path.name: path}

    def cases(self) -> Iterator[Case]:
        """The fragments in the order of the file."""
        seen: set[str] = set()
        for name, entries in groupby(self._entries(), key=self._name):
            if name in seen:
                raise DataError(
                    f"{self._path}: the entries of fragment {name} do not follow one another; sort the file"
                )
            seen.add(name)
            molecules = list(entries)
            yield fragment_case(
                name,
                [_atoms(molecule) for molecule in molecules],
                [self._energy(name, molecule) for molecule in molecules],
                functional=self._functional,
                source=self._path,
                smiles=_smiles(molecules[0]),
            )
        if not seen:
            raise DataError(f"{self._path}: holds no molecules, expected an SDF")

    def _entries(self) -> Iterator[Any]:
        from rdkit import Chem, rdBase

        supplier = Chem.ForwardSDMolSupplier(io.BytesIO(read_bytes(self._path)), removeHs=False)
        number = 0
        while not supplier.atEnd():
            number += 1
            with rdBase.BlockLogs():
                molecule = next(supplier, None)
            if molecule is None:
                if supplier.atEnd():
                    return
                raise DataError(f"{self._path}: RDKit cannot read entry {number}; expected a molecule with hydrogens")
            yield molecule

    def _name(self, molecule: Any) -> str:
        if self._group_tag is None:
            name = molecule.GetProp("_Name").strip()
            if not name:
                raise DataError(
                    f"{self._path}: an entry has no title; name a tag with dataset.group_tag=… {_tags(molecule)}"
                )
            return str(name)
        if not molecule.HasProp(self._group_tag):
            raise DataError(f"{self._path}: no tag {self._group_tag!r} (dataset.group_tag) {_tags(molecule)}")
        return str(molecule.GetProp(self._group_tag)).strip()

    def _energy(self, name: str, molecule: Any) -> float:
        if not molecule.HasProp(self._energy_tag):
            raise DataError(
                f"{self._path}: fragment {name} has no tag {self._energy_tag!r}; name the one with the energy by "
                f"dataset.energy_tag=… {_tags(molecule)}"
            )
        text = molecule.GetProp(self._energy_tag)
        try:
            return kcal_per_mol(float(text), self._energy_unit)
        except ValueError as error:
            raise DataError(
                f"{self._path}: fragment {name}: {self._energy_tag} is {text!r}, expected a number"
            ) from error


def _atoms(molecule: Any) -> Atoms:
    from ase import Atoms
    from rdkit import Chem

    return Atoms(
        [atom.GetAtomicNum() for atom in molecule.GetAtoms()],
        molecule.GetConformer().GetPositions(),
        info={"charge": Chem.GetFormalCharge(molecule)},
    )


def _smiles(molecule: Any) -> str:
    from rdkit import Chem

    return str(Chem.MolToSmiles(Chem.RemoveHs(molecule)))


def _tags(molecule: Any) -> str:
    return f"(tags here: {', '.join(molecule.GetPropNames()) or 'none'})"
