"""What `memory.py` measures with: frames with forces that stay in a file, and a task that stores predicted forces."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms

from lamcore import (
    Case,
    Dataset,
    DatasetSpec,
    Metric,
    Model,
    ModelSpec,
    Prediction,
    Scope,
    ScoredCase,
    StoredStructures,
    Task,
    TaskSpec,
    hookimpl,
)
from lamcore.scoring import mean_absolute_error, pooled_mean

CARDS = Path(__file__).parent


def write_frames(path: Path, n_frames: int, n_atoms: int) -> None:
    """Write copper crystals with vacancies, displaced at random, with random forces: two header lines, then atoms."""
    from ase.build import bulk

    crystal = bulk("Cu", cubic=True).repeat(int(np.ceil((n_atoms / 4) ** (1 / 3))))
    cell = crystal.cell.lengths()
    random = np.random.default_rng(0)
    with path.open("w", encoding="ascii") as file:
        for _ in range(n_frames):
            file.write(f"{n_atoms}\n{cell[0]:.8f} {cell[1]:.8f} {cell[2]:.8f} {random.normal():.8f}\n")
            kept = np.sort(random.permutation(len(crystal))[:n_atoms])
            rows = np.hstack([crystal.positions[kept], np.zeros((n_atoms, 3))])
            for row in rows + random.normal(scale=0.05, size=rows.shape):
                file.write(f"Cu {' '.join(f'{number:.8f}' for number in row)}\n")


@dataclass(frozen=True)
class FrameReader:
    """Reads the frame that begins at an offset of the file."""

    path: Path

    def __call__(self, offset: int) -> Atoms:
        """Read one frame, with its forces."""
        with self.path.open("rb") as file:
            file.seek(offset)
            n_atoms = int(file.readline())
            lengths = [float(number) for number in file.readline().split()[:3]]
            rows = [file.readline().split() for _ in range(n_atoms)]
        numbers = np.array([row[1:] for row in rows], dtype=np.float64)
        atoms = Atoms([row[0].decode() for row in rows], positions=numbers[:, :3], cell=lengths, pbc=True)
        atoms.set_array("reference_forces", numbers[:, 3:])
        return atoms


class Frames(Dataset):
    """One case a frame."""

    def __init__(self, path: Path) -> None:
        self.files = {path.name: path}
        self._read = FrameReader(path)

    def cases(self) -> Iterator[Case]:
        """The frames in the order of the file; their structures stay there."""
        with self._read.path.open("rb") as file:
            number, offset = 0, 0
            while line := file.readline():
                energy = float(file.readline().split()[3])
                yield Case(f"frame-{number}", StoredStructures(self._read, (offset,)), {"energy": energy})
                for _ in range(int(line)):
                    file.readline()
                number, offset = number + 1, file.tell()


class Forces(Task):
    """Energy and forces of each frame as it is."""

    def calculate(self, case: Case, model: Model) -> Mapping[str, Any]:
        """What the model says."""
        (prediction,) = model.evaluate([case.atoms])
        return {"energy": prediction.energy, "forces": prediction.forces}

    def score(self, case: Case, output: Mapping[str, Any]) -> Mapping[str, Any]:
        """Errors of one frame."""
        errors = output["forces"] - case.structures[0].arrays["reference_forces"]
        return {
            "energy_error": output["energy"] - case.reference["energy"],
            "force_errors": float(np.sum(np.abs(errors))),
            "n_components": errors.size,
        }

    def summarize(self, scored: Sequence[ScoredCase]) -> list[Metric]:
        """Mean absolute errors of energy and force components."""
        dummy = {
            one.case.id: (float(np.sum(np.abs(forces))), float(forces.size))
            for one in scored
            for forces in [one.case.structures[0].arrays["reference_forces"]]
        }
        return [
            mean_absolute_error(scored, name="mae_energy", error="energy_error", label="energy", unit="eV"),
            pooled_mean(
                scored, name="mae_force", unit="eV/Å", total="force_errors", weight="n_components", dummy=dummy
            ),
        ]


class Springs(Model):
    """Each atom bound to the middle of the cell, so that next to no time is spent in the model."""

    scope = Scope()
    properties = frozenset(("energy", "forces"))
    dtype = "float64"

    def evaluate(self, structures: Sequence[Atoms]) -> list[Prediction]:
        """E = ½ Σ|r − r₀|² with a spring constant of 1 eV/Å²."""
        away = [atoms.positions - atoms.cell.array.sum(axis=0) / 2 for atoms in structures]
        return [Prediction(0.5 * float(np.sum(one**2)), -one) for one in away]


def build_springs() -> Springs:
    """The model."""
    return Springs()


def build_frames(path: Path) -> Frames:
    """Frames of the file at `path`."""
    return Frames(path)


@hookimpl
def lamcore_models() -> Sequence[ModelSpec]:
    """The model."""
    return [ModelSpec("memory-springs", build_springs, CARDS / "memory_model.yaml")]


@hookimpl
def lamcore_tasks() -> Sequence[TaskSpec]:
    """The task."""
    return [TaskSpec("memory-forces", Forces, CARDS / "memory_task.yaml", dataset="memory-frames")]


@hookimpl
def lamcore_datasets() -> Sequence[DatasetSpec]:
    """The dataset."""
    return [DatasetSpec("memory-frames", build_frames, CARDS / "memory_dataset.yaml", tasks=("memory-forces",))]
