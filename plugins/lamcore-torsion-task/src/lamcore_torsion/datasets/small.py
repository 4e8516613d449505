"""Torsions of small molecules, computed for this package and embedded in it."""

from __future__ import annotations

from pathlib import Path

from lamcore.cards import DatasetCard, load_card
from lamcore.data_files import locate
from lamcore_torsion.datasets.extxyz import ExtxyzTorsions

_PACKAGE = Path(__file__).parents[1]
_NAME = "small-torsions.extxyz"


class SmallTorsions(ExtxyzTorsions):
    """Relaxed scans of small molecules, 24 angles each.

    Args:
        path: Another copy of the file, or the folder that holds it; the package's own if not given.

    Raises:
        DataError: The file is missing, or is not the one that the card describes.
    """

    def __init__(self, path: Path | None = None) -> None:
        card = load_card(_PACKAGE / "cards" / "small-torsions.yaml", DatasetCard)
        file = locate(_NAME, card.files[_NAME], package=_PACKAGE / "data", local=path)
        super().__init__(file, "wb97xd3bj", card.functional)
