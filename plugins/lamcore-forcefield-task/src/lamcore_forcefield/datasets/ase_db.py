"""ASE databases, and the .aselmdb files of fairchem, row by row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamcore.errors import ConfigError, DataError
from lamcore_forcefield.datasets.sources import Entry, Keys, Source, energy_at, frame_from, label_at

if TYPE_CHECKING:
    from ase import Atoms
    from ase.db.row import AtomsRow

_LABELS = ("energy", "forces", "stress")


@dataclass(frozen=True, repr=False)
class AseDatabase(Source):
    """An ASE database: SQLite (.db), or LMDB (.aselmdb).

    Labels are what the row's calculator gave; key–value pairs and data of the row go before them.

    Attributes:
        path: The file.
        keys: What labels are called in it.
        lmdb: Whether it is LMDB, which needs the package ase-db-backends.

    Raises:
        ConfigError: ase-db-backends is not installed.
    """

    path: Path
    keys: Keys
    lmdb: bool

    def __post_init__(self) -> None:
        """Refuse what cannot be read, before it is tried."""
        if self.lmdb and find_spec("ase_db_backends") is None:
            raise ConfigError(
                f"{self.path}: .aselmdb needs the package: pip install 'lamcore-forcefield-task[aselmdb]'"
            )

    def entries(self) -> Iterator[Entry]:
        """Every row in the order of ids; its key is the id."""
        for number, row in enumerate(self._rows()):
            where = f"{self.path}, row {row.id}"
            values = _values(row)
            energy = energy_at(values, self.keys.energy, where)
            group = None if self.keys.group is None else str(label_at(values, self.keys.group, where))
            yield Entry(number, int(row.id), energy, group)

    def __call__(self, key: int) -> Atoms:
        """The frame of the row with this id."""
        where = f"{self.path}, row {key}"
        try:
            row = _open(self.path, self.lmdb).get(id=key)
        except KeyError as error:
            raise DataError(f"{where}: is not there any more") from error
        return frame_from(row.toatoms(), _values(row), self.keys, where)

    def _rows(self) -> Iterator[AtomsRow]:
        try:
            yield from _open(self.path, self.lmdb).select()
        except Exception as error:  # of SQLite, LMDB, zlib or JSON, whichever meets the damage first
            if isinstance(error, DataError):
                raise
            raise DataError(
                f"{self.path}: cannot be read as {'an LMDB' if self.lmdb else 'an SQLite'} database of ASE "
                f"({type(error).__name__}: {error})"
            ) from error


def _values(row: AtomsRow) -> Mapping[str, Any]:
    labels = {name: row[name] for name in _LABELS if name in row}
    data = row.data if isinstance(row.data, dict) else {}
    return {**labels, **data, **row.key_value_pairs}


@lru_cache(maxsize=8)
def _open(path: Path, lmdb: bool) -> Any:
    """The database, opened once a process; LMDB cannot be opened twice in one."""
    if lmdb:
        from ase_db_backends.aselmdb import LMDBDatabase

        return LMDBDatabase(path, readonly=True, use_lock_file=False, serial=True, readahead=False)
    from ase.db import connect

    return connect(path, type="db", use_lock_file=False, serial=True)
