"""Harmonic phonons as a lamcore task, with the datasets that have labels for it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from lamcore import Dataset, DatasetSpec, ReportSpec, Task, TaskSpec, hookimpl

if TYPE_CHECKING:
    from lamcore.report import RunView, Section

LAMCORE_API = 1

_CARDS = Path(__file__).parent / "cards"
_TASKS = ("phonon",)


def build_task(
    protocol: Literal["default", "lambench"] = "default",
    temperature_k: float = 300.0,
    relax: bool = True,
    fmax: float = 0.001,
    max_steps: int = 500,
    symmetry: bool = True,
    displacement_ang: float = 0.01,
    mesh_length_ang: float = 100.0,
    symprec_ang: float | None = None,
    stability_tolerance_thz: float = 0.1,
    band_structure: bool = False,
    dos: bool = False,
    force_constants: bool = False,
) -> Task:
    """Frequencies and thermal properties of crystals from finite displacements.

    Args:
        protocol: `default`, or `lambench` for numbers to be compared with LAMBench's, which fixes relax, fmax,
            max_steps, symmetry, displacement_ang, mesh_length_ang and symprec_ang.
        temperature_k: Of the thermal properties that are stored, K; scores are always at the temperature of the labels.
        relax: Relax positions and cell before displacing atoms.
        fmax: Relaxed when no force, the cell's included, is larger, eV/Å.
        max_steps: Relaxation steps at most.
        symmetry: Keep the crystal's symmetry while relaxing.
        displacement_ang: Length of the displacements, Å.
        mesh_length_ang: Density of the mesh: N = length × |a*| points along each reciprocal vector.
        symprec_ang: Distance within which two positions count as symmetric images, Å, while relaxing and while
            displacing atoms; 1e-4 unless given. `lambench` relaxes with 0.01 and displaces with 1e-5.
        stability_tolerance_thz: A crystal is dynamically stable when no frequency lies below minus this, THz.
        band_structure: Also compute frequencies along a path of high symmetry; needs seekpath.
        dos: Also compute the density of states by the tetrahedron method, seconds for large cells.
        force_constants: Also store the force constants.
    """
    from lamcore_phonon.task import PhononSettings, PhononTask

    return PhononTask(
        PhononSettings(
            protocol=protocol,
            temperature_k=temperature_k,
            relax=relax,
            fmax=fmax,
            max_steps=max_steps,
            symmetry=symmetry,
            displacement_ang=displacement_ang,
            mesh_length_ang=mesh_length_ang,
            symprec_ang=symprec_ang,
            stability_tolerance_thz=stability_tolerance_thz,
            band_structure=band_structure,
            dos=dos,
            force_constants=force_constants,
        )
    )


def build_phonon_cubic(path: Path | None = None) -> Dataset:
    """53 rocksalt and zincblende binaries with PBE labels at 300 K, in the package.

    Args:
        path: Another copy of phonon-cubic.csv, or the folder that holds it, instead of the package's own.
    """
    from lamcore_phonon.datasets.phonon_cubic import PhononCubic

    return PhononCubic(path)


def build_phonondb(
    path: Path | None = None,
    labels: Literal["no_nac", "nac"] = "no_nac",
    supercell: Literal["fc2", "fc3"] = "fc2",
) -> Dataset:
    """Crystals of the phononDB-PBE selection, from a folder.

    Args:
        path: Folder with structures.extxyz and reference_300K.json.
        labels: Labels without or with the non-analytic correction; models are computed without.
        supercell: The supercell of the reference's second-order or of its third-order force constants.
    """
    from lamcore_phonon.datasets.phonondb import PhononDB

    return PhononDB(path, labels=labels, supercell=supercell)


def build_alexandria_cv(path: Path | None = None, min_length_ang: float = 10.0) -> Dataset:
    """Heat capacities at 300 K of Alexandria binaries, from a file.

    Args:
        path: Extended XYZ, plain or gzipped, with mp_id and heat_capacity for each structure.
        min_length_ang: Supercells are repeated until opposite faces are this far apart, Å.
    """
    from lamcore_phonon.datasets.alexandria_cv import AlexandriaCv

    return AlexandriaCv(path, min_length_ang=min_length_ang)


def build_mdr(
    path: Path | None = None,
    labels_path: Path | None = None,
    labels: Literal["no_nac", "nac"] = "no_nac",
    max_frequency_points: Literal["mesh", "commensurate", "lambench"] | None = None,
    functional: str | None = None,
) -> Dataset:
    """Crystals of the MDR phonon database as phonopy files, from a folder.

    Args:
        path: Folder with one phonopy file a material, named by its id: .yaml, .yaml.bz2, .yaml.gz or .yaml.xz.
        labels_path: Table of labels: CSV as LAMBench's pbe.csv, or JSON as reference_300K.json; looked for in the
            folder when not given.
        labels: Labels without or with the non-analytic correction, where the table has both.
        max_frequency_points: Where the labels' highest frequency was looked for; `lambench` for a CSV and `mesh` for a
            JSON unless given.
        functional: Of the labels, such as PBE; needed when the table does not tell.
    """
    from lamcore_phonon.datasets.mdr import Mdr

    return Mdr(
        path,
        labels_path=labels_path,
        labels=labels,
        max_frequency_points=max_frequency_points,
        functional=functional,
    )


def _sections(view: RunView) -> Sequence[Section]:
    from lamcore_phonon.report import sections

    return sections(view)


@hookimpl
def lamcore_tasks() -> Sequence[TaskSpec]:
    """The task `phonon`."""
    return (
        TaskSpec(
            name="phonon",
            build=build_task,
            card=_CARDS / "task.yaml",
            dataset="phonon-cubic",
            packages=("phonopy", "spglib", "seekpath"),
        ),
    )


@hookimpl
def lamcore_datasets() -> Sequence[DatasetSpec]:
    """An embedded dataset and three that are read from files of the user."""
    return (
        DatasetSpec("phonon-cubic", build_phonon_cubic, _CARDS / "phonon-cubic.yaml", _TASKS, max_cases=24),
        DatasetSpec("phonondb", build_phonondb, _CARDS / "phonondb.yaml", _TASKS),
        DatasetSpec("alexandria-cv", build_alexandria_cv, _CARDS / "alexandria-cv.yaml", _TASKS),
        DatasetSpec("mdr", build_mdr, _CARDS / "mdr.yaml", _TASKS),
    )


@hookimpl
def lamcore_reports() -> Sequence[ReportSpec]:
    """Parity plots and tables for phonon runs."""
    return (ReportSpec(name="phonon", task="phonon", sections=_sections),)
