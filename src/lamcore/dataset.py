"""The dataset contract: a generator of cases, and the identity of its content."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from lamcore.cases import Case


class Dataset(ABC):
    """Cases in a fixed order, so that the first `n` of them are always the same.

    Attributes:
        files: The files that the cases are read from, if any, by name.
    """

    files: Mapping[str, Path] = {}

    @abstractmethod
    def cases(self) -> Iterator[Case]:
        """All cases, always in the same order and with the same ids."""


def content_sha256(cases: Sequence[Case]) -> str:
    """A hash of everything that the cases hold: a changed label or coordinate changes it."""
    digest = hashlib.sha256()
    for case in cases:
        digest.update(json.dumps([case.id, case.reference, case.settings], sort_keys=True, default=_plain).encode())
        for atoms in case.structures:
            digest.update(atoms.numbers.astype("<i8").tobytes())
            digest.update(atoms.positions.astype("<f8").tobytes())
            digest.update(atoms.cell.array.astype("<f8").tobytes())
            digest.update(atoms.pbc.tobytes())
            digest.update(json.dumps(atoms.info, sort_keys=True, default=_plain).encode())
    return digest.hexdigest()


def _plain(value: object) -> object:
    """NumPy arrays and scalars as lists and numbers."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"case data holds a {type(value).__name__}, expected JSON values or NumPy arrays")
