"""Structures of the user: any file that ASE reads, or a folder of such files."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ase import Atoms

from lamcore import Case, Dataset
from lamcore.errors import DataError
from lamcore_md.datasets.replicas import check_replicas, replicated

_KEPT_INFO = ("charge", "spin")


class Structures(Dataset):
    """One case for each structure; ids are the names of files, with a number where a file holds several.

    Elements, positions, cell, boundary conditions, masses, charge and spin are read; momenta, constraints and results
    are not.

    Args:
        path: A file that ASE reads, or a folder of such files (its own, not those of folders in it).
        replicas: Trajectories of each structure.

    Raises:
        ConfigError: `replicas` is less than one.
        DataError: There is no path, nothing at it, or nothing in it.
    """

    def __init__(self, path: Path | None, replicas: int = 1) -> None:
        self._replicas = check_replicas(replicas)
        if path is None:
            raise DataError(
                "dataset structures needs a file that ASE reads, or a folder of them; name it with dataset.path=…"
            )
        found = path.expanduser()
        if not found.exists():
            raise DataError(f"dataset.path={path}: not found (looked at {found.absolute()}); give a file or a folder")
        files = [found] if found.is_file() else sorted(file for file in found.iterdir() if _is_data(file))
        if not files:
            raise DataError(f"dataset.path={path}: the folder has no files, expected structures that ASE reads")
        self.files: Mapping[str, Path] = {file.name: file for file in files}

    def cases(self) -> Iterator[Case]:
        """In the order of the files' names, and in the order of each file."""
        for name, path in self.files.items():
            frames = read_structures(path)
            for number, atoms in enumerate(frames, 1):
                yield from replicated(name if len(frames) == 1 else f"{name}#{number}", atoms, self._replicas)


def read_structures(path: Path) -> list[Atoms]:
    """All structures of a file.

    Raises:
        DataError: ASE cannot read it, it holds none, or a site is shared by several elements or partly empty.
    """
    from ase.io import read

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # readers comment on what is not used here, such as symmetry settings
            frames = read(path, index=":")
    except Exception as error:  # which one depends on the reader that ASE chose for the file
        raise DataError(
            f"{path}: ASE cannot read it ({type(error).__name__}: {error}); "
            "expected a format of `ase info --formats`, such as extxyz or CIF; put other files elsewhere"
        ) from error
    if not frames:
        raise DataError(f"{path}: holds no structures")
    return [_plain(atoms, path, number) for number, atoms in enumerate(frames, 1)]


def _plain(atoms: Atoms, path: Path, number: int) -> Atoms:
    _refuse_disorder(atoms.info.get("occupancy", {}), path, number)
    plain = Atoms(
        numbers=atoms.numbers,
        positions=atoms.positions,
        cell=atoms.cell,
        pbc=atoms.pbc,
        info={name: int(atoms.info[name]) for name in _KEPT_INFO if name in atoms.info},
    )
    if atoms.has("masses"):
        plain.set_masses(atoms.get_masses())
    return plain


def _refuse_disorder(occupancy: Mapping[str, Mapping[str, Any]], path: Path, number: int) -> None:
    for site, shares in occupancy.items():
        if len(shares) != 1 or abs(sum(shares.values()) - 1) > 1e-6:
            raise DataError(
                f"{path}: structure {number} has site {site} occupied by {dict(shares)}, expected one atom a site; "
                "give an ordered structure"
            )


def _is_data(path: Path) -> bool:
    return path.is_file() and not path.name.startswith(".")
