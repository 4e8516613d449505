"""Extended XYZ by the offset of each frame."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import shutil
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamcore.data_files import cache_folder
from lamcore.errors import DataError
from lamcore_forcefield.datasets.sources import Entry, Keys, Source, energy_at, frame_from, label_at

if TYPE_CHECKING:
    from ase import Atoms


@dataclass(frozen=True, repr=False)
class ExtxyzFile(Source):
    """A file of extended XYZ, plain or gzipped.

    A gzipped file is decompressed once, into the cache, since it cannot be entered in the middle.

    Attributes:
        path: The file.
        keys: What labels are called in it.
    """

    path: Path
    keys: Keys

    def entries(self) -> Iterator[Entry]:
        """Every frame; its key is where it begins, how long it is, and its number."""
        from ase.io.extxyz import key_val_str_to_dict

        with self._text().open("rb") as file:
            number = 0
            while line := file.readline():
                start = file.tell() - len(line)
                if not line.strip():
                    continue
                where = f"{self.path}, frame {number}"
                comment = self._skip_frame(file, line, where)
                try:
                    values: Mapping[str, Any] = key_val_str_to_dict(comment)
                except Exception as error:  # which one depends on where the text stops making sense to ASE's parser
                    raise DataError(f"{where}: the comment line is not extended XYZ: {error}") from error
                energy = energy_at(values, self.keys.energy, where)
                group = None if self.keys.group is None else str(label_at(values, self.keys.group, where))
                yield Entry(number, (start, file.tell() - start, number), energy, group)
                number += 1

    def __call__(self, key: tuple[int, int, int]) -> Atoms:
        """The frame at a key of `entries`."""
        from ase.io import read

        start, length, number = key
        where = f"{self.path}, frame {number}"
        with self._text().open("rb") as file:
            file.seek(start)
            text = file.read(length).decode("utf-8")
        try:
            atoms: Any = read(io.StringIO(text), format="extxyz", index=0)
        except Exception as error:  # as in entries
            raise DataError(f"{where}: not extended XYZ ({type(error).__name__}: {error})") from error
        results = {} if atoms.calc is None else atoms.calc.results
        return frame_from(atoms, {**atoms.arrays, **atoms.info, **results}, self.keys, where)

    def _skip_frame(self, file: Any, first: bytes, where: str) -> str:
        """Read past a frame whose first line has been read; returns its comment line."""
        try:
            n_atoms = int(first)
        except ValueError:
            found = first[:60].decode("utf-8", "replace").strip()
            raise DataError(f"{where}: begins with {found!r}, expected the number of atoms") from None
        comment = file.readline()
        for atom in range(n_atoms):
            if not file.readline().strip():
                raise DataError(f"{where}: ends after {atom} of {n_atoms} atoms; the file is truncated")
        try:
            text: str = comment.decode("utf-8").strip()
        except UnicodeDecodeError as error:
            raise DataError(f"{where}: the comment line is not UTF-8 text: {error}") from error
        return text

    def _text(self) -> Path:
        """The plain file, made again where it has been cleaned away."""
        if self.path.suffix.lower() != ".gz":
            return self.path
        plain = _decompressed(self.path, self.path.stat().st_mtime_ns)
        if not plain.exists():
            _decompressed.cache_clear()
            plain = _decompressed(self.path, self.path.stat().st_mtime_ns)
        return plain


@lru_cache(maxsize=64)
def _decompressed(path: Path, _modified_ns: int) -> Path:
    """A decompressed copy in the cache, named by the content of the compressed file, which is hashed once a process.

    Raises:
        DataError: The file is not gzip, or the cache is full.
    """
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    target = cache_folder() / "frames" / f"{digest}.extxyz"
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=target.parent, suffix=".part")
    try:
        with gzip.open(path, "rb") as source, os.fdopen(handle, "wb") as copy:
            shutil.copyfileobj(source, copy, 1 << 20)
        os.replace(temporary, target)  # in one step, so that no reader meets half a file
    except (OSError, EOFError, zlib.error) as error:
        Path(temporary).unlink(missing_ok=True)
        raise DataError(f"{path}: cannot be decompressed to {target}: {error}") from error
    return target
