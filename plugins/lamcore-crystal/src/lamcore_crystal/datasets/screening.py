"""Crystals to be screened, with the reference crystals that their hull is made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from ase.data import chemical_symbols

from lamcore import Case, Dataset
from lamcore.errors import DataError
from lamcore_crystal.findings import first_error
from lamcore_crystal.geometry import Geometry
from lamcore_crystal.rounds import RoundSettings

Screened = tuple[str, Geometry | str]
"""A name, with a geometry or the reason why there is none."""


class Screening(Dataset):
    """Cases to be screened, and before them the references of the elements in them.

    Reference cases have the setting `role: reference`; a refused file is a case without structures whose setting
    `refusal` says why.

    Args:
        screened: Names and geometries, or reasons.
        references: Known crystals beside the elements; None for none.
    """

    def __init__(self, screened: Iterable[Screened], references: Path | None) -> None:
        self._screened = list(screened)
        self._references = references

    def cases(self) -> Iterator[Case]:
        """References by name, then what is screened, in its order."""
        from lamcore_crystal.references import elements, read_reference_set

        symbols = {
            chemical_symbols[number]
            for _, found in self._screened
            if isinstance(found, Geometry)
            for number in found.numbers
        }
        known = [one for one in elements() if one.name.split("-")[0] in symbols]
        if self._references is not None:
            known += read_reference_set(self._references)
        for one in known:
            if {chemical_symbols[number] for number in one.geometry.numbers} <= symbols:
                yield Case(f"reference/{one.name}", (one.geometry.atoms(),), settings={"role": "reference"})
        for name, found in self._screened:
            if isinstance(found, Geometry):
                yield Case(name, (found.atoms(),))
            else:
                yield Case(name, (), settings={"refusal": found})


def submitted(path: Path | None, split_blocks: bool) -> Iterator[Screened]:
    """The crystals of files as they would be submitted to a challenge with the default rules.

    Raises:
        DataError: There is no path, or nothing at it.
    """
    from dataclasses import replace

    from lamcore_crystal.extensions import default_rules
    from lamcore_crystal.intake.pool import CheckingPool
    from lamcore_crystal.intake.sources import read_submission

    if path is None:
        raise DataError("dataset crystals needs a folder, an archive or a CIF file; name it with dataset.path=…")
    found = path.expanduser()
    if not found.exists():
        raise DataError(f"dataset.path={path}: not found (looked at {found.absolute()}); give a folder or a file")
    settings = replace(RoundSettings(), rules=default_rules())
    files = list(read_submission(found, settings))
    with CheckingPool(settings, None) as pool:
        # By position: an archive may hold two members of one name.
        contents = [(i, one.data, split_blocks) for i, one in enumerate(files) if one.data is not None]
        checked = dict(pool.check_all(contents))
    used: Counter[str] = Counter()

    def unique(name: str) -> str:
        used[name] += 1
        return name if used[name] == 1 else unique(f"{name} ({used[name]})")

    for i, one in enumerate(files):
        if one.refusal is not None:
            yield unique(one.name), f"{one.refusal.code}: {one.refusal.message}"
            continue
        for block in checked[i]:
            name = unique(one.name if len(checked[i]) == 1 else f"{one.name}#{block.name or block.block}")
            error = first_error(block.findings)
            if error is not None:
                yield name, f"{error.code}: {error.message}"
            else:
                assert block.geometry is not None
                yield name, block.geometry
