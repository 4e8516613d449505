"""Torsion scans as extended XYZ: one frame a conformer, the fragments one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from lamcore import Case, Dataset
from lamcore.errors import DataError
from lamcore_torsion.datasets.files import read_text
from lamcore_torsion.datasets.fragments import fragment_case
from lamcore_torsion.held_dihedral import dihedral_deg
from lamcore_torsion.physics import KCAL_MOL_PER_EV
from lamcore_torsion.wells import wrapped_deg

if TYPE_CHECKING:
    from ase import Atoms

Labels = Literal["dlpno_ccsdt", "wb97xd3bj", "b3lyp"]
LABEL_KEYS: dict[str, tuple[str, str]] = {
    "dlpno_ccsdt": ("energy_dlpno_ccsdt", "CCSD(T)"),
    "wb97xd3bj": ("energy_wb97xd3bj", "ωB97X-D3(BJ)"),
    "b3lyp": ("erel_b3lyp", "B3LYP"),
}
"""For each label set the key that holds its energy in eV, and its functional."""
_NAME_KEYS = ("fragment", "testcase")
_OTHER_ANGLE_DEG = 1.0


class ExtxyzTorsions(Dataset):
    """Fragments of an extended XYZ file, plain or gzipped.

    Each frame has `fragment` (or `testcase`), an energy in eV under one of the keys of `LABEL_KEYS`, and may have
    `smiles`, `charge`, `torsion_atoms` (four indices from 0) and `torsion_angle` (degrees). Frames of a fragment follow
    one another.

    Args:
        path: The file.
        labels: Which energies to take.
        functional: Of the labels, where it is not that of `LABEL_KEYS`.
    """

    def __init__(self, path: Path, labels: Labels, functional: str | None = None) -> None:
        self._path = path
        self._labels = labels
        self._key, known = LABEL_KEYS[labels]
        self._functional = functional or known
        self.files = {path.name: path}

    def cases(self) -> Iterator[Case]:
        """The fragments in the order of the file."""
        seen: set[str] = set()
        for name, frames in groupby(self._frames(), key=self._name):
            if name in seen:
                raise DataError(f"{self._path}: the frames of fragment {name} do not follow one another; sort the file")
            seen.add(name)
            yield self._case(name, list(frames))
        if not seen:
            raise DataError(f"{self._path}: holds no structures, expected extended XYZ as ASE writes it")

    def _frames(self) -> Iterator[Atoms]:
        from ase.io import iread

        frames = iread(StringIO(read_text(self._path)), index=":", format="extxyz")
        n_read = 0
        while True:
            try:
                frame = next(frames)
            except StopIteration:
                return
            except Exception as error:  # which one depends on where the text stops making sense to ASE's parser
                reason = " ".join(f"{type(error).__name__}: {error}".split())
                raise DataError(
                    f"{self._path}: not extended XYZ, or truncated, after {n_read} frames ({reason}); expected "
                    "structures as ASE writes them"
                ) from error
            n_read += 1
            yield frame

    def _name(self, frame: Atoms) -> str:
        for key in _NAME_KEYS:
            if key in frame.info:
                return str(frame.info[key])
        raise DataError(
            f"{self._path}: a frame of {frame.get_chemical_formula()} has no {' or '.join(_NAME_KEYS)}; it has "
            f"{', '.join(frame.info) or 'nothing'}"
        )

    def _case(self, name: str, frames: list[Atoms]) -> Case:
        infos = [self._info(name, frame) for frame in frames]
        dihedral = None
        if "torsion_atoms" in infos[0]:
            dihedral = [int(index) for index in self._numbers(name, infos[0], "torsion_atoms")]
            self._check_angles(name, frames, infos, dihedral)
        smiles = infos[0].get("smiles")
        return fragment_case(
            name,
            [
                _molecule(frame, round(self._number(name, info, "charge")) if "charge" in info else 0)
                for frame, info in zip(frames, infos, strict=True)
            ],
            [self._number(name, info, self._key) * KCAL_MOL_PER_EV for info in infos],
            functional=self._functional,
            source=self._path,
            dihedral=dihedral,
            smiles=None if smiles is None else str(smiles),
        )

    def _info(self, name: str, frame: Atoms) -> dict[str, Any]:
        """What the frame says of itself, the chosen label among it."""
        info: dict[str, Any] = dict(frame.info)
        if self._key not in info:
            has = [labels for labels, (key, _) in LABEL_KEYS.items() if key in info]
            raise DataError(
                f"{self._path}: fragment {name} has no {self._key}, which dataset.labels={self._labels} asks for; "
                + (f"use dataset.labels={' or '.join(has)}" if has else f"it has {', '.join(info)}")
            )
        return info

    def _number(self, name: str, info: dict[str, Any], key: str) -> float:
        numbers = self._numbers(name, info, key)
        if len(numbers) != 1:
            raise DataError(f"{self._path}: fragment {name}: {key} is {info[key]!r}, expected one number")
        return float(numbers[0])

    def _numbers(self, name: str, info: dict[str, Any], key: str) -> NDArray[np.float64]:
        try:
            return np.asarray(info[key], dtype=np.float64).ravel()
        except (TypeError, ValueError) as error:
            raise DataError(f"{self._path}: fragment {name}: {key} is {info[key]!r}, expected numbers") from error

    def _check_angles(self, name: str, frames: list[Atoms], infos: list[dict[str, Any]], dihedral: list[int]) -> None:
        """The angle that a frame states is the one that its atoms have."""
        if len(dihedral) != 4 or not all(0 <= index < len(frames[0]) for index in dihedral):
            raise DataError(
                f"{self._path}: fragment {name}: torsion_atoms is {dihedral}, expected four indices of its "
                f"{len(frames[0])} atoms, counted from 0"
            )
        for frame, info in zip(frames, infos, strict=True):
            if "torsion_angle" not in info:
                continue
            measured, stated = dihedral_deg(frame.positions, dihedral), self._number(name, info, "torsion_angle")
            if abs(float(wrapped_deg(measured - stated))) > _OTHER_ANGLE_DEG:
                raise DataError(
                    f"{self._path}: fragment {name}: the dihedral of atoms {dihedral} is {measured:.2f} degrees, but "
                    f"torsion_angle says {stated:.2f}; torsion_atoms are counted from 0"
                )


def _molecule(frame: Atoms, charge: int) -> Atoms:
    """The atoms alone, with the charge; labels stay out of what the model gets to see."""
    from ase import Atoms

    return Atoms(frame.numbers, frame.positions, info={"charge": charge})
