"""Small molecules labelled for lamcore."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

from lamcore import Case, Dataset
from lamcore.cards import DatasetCard, load_card
from lamcore.data_files import locate
from lamcore_forcefield.datasets.extxyz import ExtxyzFile
from lamcore_forcefield.datasets.sources import Keys

_HERE = Path(__file__).parent.parent
_FILE = "small-molecules.extxyz"


class SmallMolecules(Dataset):
    """Two frames of each molecule, near 300 K and near 1000 K; frames of a molecule are one group.

    Args:
        path: Another copy of the file, or the folder that holds it.
        species: `closed-shell` for neutral molecules without unpaired electrons, `all` to add radicals and cations.

    Raises:
        DataError: The file is missing, or is not the one of the card.
    """

    def __init__(self, path: Path | None = None, species: Literal["closed-shell", "all"] = "closed-shell") -> None:
        card = load_card(_HERE / "cards" / "small-molecules.yaml", DatasetCard)
        self.files = {_FILE: locate(_FILE, card.files[_FILE], package=_HERE / "data", local=path)}
        self._species = species

    def cases(self) -> Iterator[Case]:
        """In the order of the file; the id is the molecule and the number of the frame."""
        source = ExtxyzFile(self.files[_FILE], replace(Keys(), group="molecule"))
        numbers: dict[str, int] = {}
        for entry in source.entries():
            atoms = source(entry.key)
            if self._species == "closed-shell" and (atoms.info["charge"], atoms.info["spin"]) != (0, 1):
                continue
            molecule = str(entry.group)
            number = numbers[molecule] = numbers.get(molecule, -1) + 1
            yield Case(
                id=f"{molecule}-{number}",
                structures=(atoms,),
                reference={"energy": entry.energy},
                settings={"group": molecule, "frame": number},
            )
