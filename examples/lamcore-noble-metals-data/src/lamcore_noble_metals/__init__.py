"""The noble metals dataset for lamcore."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lamcore import DatasetSpec, hookimpl

if TYPE_CHECKING:
    from lamcore_noble_metals.dataset import NobleMetals

LAMCORE_API = 1


@hookimpl
def lamcore_datasets() -> Sequence[DatasetSpec]:
    """Offer `dataset=noble-metals`."""
    return [DatasetSpec("noble-metals", build_noble_metals, Path(__file__).with_name("card.yaml"), tasks=("eos",))]


def build_noble_metals(path: Path | None = None) -> NobleMetals:
    """Read the crystals.

    Args:
        path: Your own copy of crystals.csv; the one of the package if not given.
    """
    from lamcore_noble_metals.dataset import NobleMetals

    return NobleMetals(path)
