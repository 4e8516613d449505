"""Face-centred cubic metals with equations of state."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from lamcore import Case, Dataset
from lamcore.cards import DatasetCard, load_card
from lamcore.data_files import locate

_HERE = Path(__file__).parent
_FILE = "crystals.csv"


class NobleMetals(Dataset):
    """One case for each row of the file; its id is the element.

    Args:
        path: The user's own copy of the file.

    Raises:
        DataError: The file is missing, or is not the one of the card.
    """

    def __init__(self, path: Path | None = None) -> None:
        card = load_card(_HERE / "card.yaml", DatasetCard)
        self.files = {_FILE: locate(_FILE, card.files[_FILE], package=_HERE, local=path)}

    def cases(self) -> Iterator[Case]:
        """The crystals at the volume of the reference, in the order of the file."""
        from ase.build import bulk

        with self.files[_FILE].open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                symbol = row.pop("symbol")
                reference = {name: float(value) for name, value in row.items()}
                atoms = bulk(symbol, "fcc", a=(4 * reference["volume_ang3_per_atom"]) ** (1 / 3))
                yield Case(symbol, (atoms,), reference)
