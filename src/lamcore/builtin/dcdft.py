"""The elemental crystals of the Delta project, with the all-electron equations of state that ASE carries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from lamcore.cases import Case
from lamcore.dataset import Dataset
from lamcore.errors import ConfigError

FCC_METALS = ("Al", "Ni", "Cu", "Pd", "Ag", "Pt", "Au")


class DeltaCrystals(Dataset):
    """71 elemental crystals and their WIEN2k equations of state at the PBE level.

    The seven fcc metals come first, then the others by atomic number.

    Args:
        elements: Symbols to take; None for all.

    Raises:
        ConfigError: The collection has no crystal of an element.
    """

    def __init__(self, elements: Sequence[str] | None = None) -> None:
        from ase.collections import dcdft

        self._collection = dcdft
        known = [*FCC_METALS, *(name for name in dcdft.names if name not in FCC_METALS)]
        for symbol in elements or ():
            if symbol not in known:
                near = get_close_matches(symbol.capitalize(), known, n=1, cutoff=0.5)
                hint = f" (did you mean {near[0]!r}?)" if near else ""
                raise ConfigError(f"dataset dcdft has no crystal {symbol!r}{hint}; it has {', '.join(known)}")
        self._names = [name for name in known if elements is None or name in elements]

    def cases(self) -> Iterator[Case]:
        """One case an element; its id is the symbol."""
        for name in self._names:
            data = self._collection.data[name]
            yield Case(
                id=name,
                structures=(self._collection[name],),
                reference={
                    "volume_ang3_per_atom": data["wien2k_volume"],
                    "bulk_modulus_gpa": data["wien2k_B"],
                    "bulk_modulus_derivative": data["wien2k_Bp"],
                },
            )


def build_dcdft(elements: list[str] | None = None) -> DeltaCrystals:
    """Elemental crystals with all-electron equations of state.

    Args:
        elements: Symbols to take, such as [Cu, Ag]; all 71 if not given.
    """
    return DeltaCrystals(elements)
