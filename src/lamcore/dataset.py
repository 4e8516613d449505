"""The dataset contract: a generator of cases, and the identity of its content."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lamcore.cases import Case
from lamcore.errors import DataError


class Dataset(ABC):
    """Cases in a fixed order, so that the first `n` of them are always the same.

    Attributes:
        files: The files that the cases are read from, if any, by name; their SHA-256 goes into the provenance.
    """

    files: Mapping[str, Path] = {}

    @abstractmethod
    def cases(self) -> Iterator[Case]:
        """All cases, always in the same order and with the same ids."""


def content_sha256(cases: Sequence[Case]) -> str:
    """A hash of everything that the cases hold: a changed label, coordinate, charge or constraint changes it.

    Raises:
        DataError: A case holds something that has no plain form.
    """
    digest = hashlib.sha256()
    for case in cases:
        try:
            digest.update(_json([case.id, case.reference, case.settings]))
            for atoms in case.structures:
                digest.update(_json([atoms.cell.array, atoms.pbc, atoms.info, atoms.constraints]))
                for name in sorted(atoms.arrays):
                    array = atoms.arrays[name]
                    digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
                    digest.update(array.tobytes())
        except TypeError as error:
            raise DataError(f"case {case.id!r}: {error}") from error
    return digest.hexdigest()


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, default=_plain).encode()


def _plain(value: Any) -> object:
    """NumPy arrays and scalars as lists and numbers, objects of ASE as what they save of themselves."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if hasattr(value, "todict"):
        return value.todict()
    raise TypeError(f"holds a {type(value).__name__}, expected JSON values, NumPy arrays or objects with todict()")
