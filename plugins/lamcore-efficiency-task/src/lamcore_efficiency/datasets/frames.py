"""Frames of trajectory files, as LAMBench's efficiency set has them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from lamcore import Case, Dataset
from lamcore.errors import ConfigError, DataError

if TYPE_CHECKING:
    from ase import Atoms

_WARM_UP_SHARE = 0.1


class EfficiencyFrames(Dataset):
    """One case for each frame of each .traj file below a folder; its id is the file's path and the frame's number.

    The first tenth of the frames of each file (rounded down) are marked as warm-up frames, which the protocol
    `lambench` does not time. Energies and forces in the files are not read.

    Args:
        path: The folder.
        max_atoms: Frames are repeated as often as they fit into this many atoms.

    Raises:
        DataError: No folder was given, it does not exist, or it has no .traj files.
        ConfigError: `max_atoms` is not positive.
    """

    def __init__(self, path: Path | None = None, max_atoms: int = 1000) -> None:
        expected = "a folder with .traj files of ASE at any depth, as LAMBench's efficiency set"
        if path is None:
            raise DataError(f"dataset efficiency-frames needs {expected}; name it with dataset.path=…")
        if max_atoms < 1:
            raise ConfigError(f"dataset.max_atoms is {max_atoms}, expected at least 1")
        folder = path.expanduser()
        if not folder.is_dir():
            raise DataError(f"dataset.path={path}: no such folder (looked at {folder.absolute()}); expected {expected}")
        found = sorted(file for file in folder.rglob("*.traj") if file.is_file())
        if not found:
            raise DataError(f"dataset.path={path}: no .traj file in it or below; expected {expected}")
        self._max_atoms = max_atoms
        self.files = {file.relative_to(folder).as_posix(): file for file in found}

    def cases(self) -> Iterator[Case]:
        """All frames, file by file in the order of their paths.

        Raises:
            DataError: A file is no trajectory of ASE, is cut off, or has no frames.
        """
        for name, file in self.files.items():
            frames = _read(file)
            n_warm_up = int(len(frames) * _WARM_UP_SHARE)
            for index, atoms in enumerate(frames):
                settings = {
                    "measure": "frame",
                    "group": name,
                    "max_atoms": self._max_atoms,
                    "warm_up": index < n_warm_up,
                    "equal_size": True,
                }
                yield Case(f"{name}#{index}", (atoms,), {}, settings)


def _read(file: Path) -> list[Atoms]:
    from ase.io import read

    try:
        frames = read(file, index=":", format="traj")
    except Exception as error:  # ASE raises whatever the bytes make it stumble over
        raise DataError(
            f"{file}: not a trajectory of ASE, or cut off ({type(error).__name__}: {error}); put the right file there"
        ) from error
    if not frames:
        raise DataError(f"{file}: holds no frames, expected at least one; leave the file out")
    structures: list[Atoms] = []
    for frame in frames:
        atoms = frame.copy()  # leaves energies and forces behind
        atoms.set_constraint()
        structures.append(atoms)
    return structures
