"""The task: relax, displace, ask for all forces at once, and compare with the labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lamcore import Metric, ScoredCase, Task
from lamcore.errors import CaseError, ConfigError
from lamcore.quantities import KELVIN_PER_THZ
from lamcore_phonon import physics

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray
    from phonopy import Phonopy

    from lamcore import Case, Model

FORCE_LIMIT_EV_PER_ANG = 1e4
ACOUSTIC_CUTOFF_THZ = 0.01
"""In the default protocol modes at or below it stay out of thermal sums, as in the labels of phononDB-PBE."""
LAMBENCH_KELVIN_PER_THZ = 47.9924
SYMPREC_ANG = 1e-4
"""Coordinates in files are rounded to about 1e-5 Å; a distortion that physics makes is larger."""
LAMBENCH_SYMPREC_ANG = 1e-5
LAMBENCH_RELAXATION_SYMPREC_ANG = 0.01
SPACE_GROUP_SYMPREC_ANG = 1e-5
"""Space groups are recorded at this tolerance, so that symmetry raised by a looser one shows."""


@dataclass(frozen=True)
class Quantity:
    """A quantity that labels exist for.

    Attributes:
        key: Its name in labels and scores, unit included; `error_key` in scores is prediction − reference.
        metric: Name of its metric.
        unit: As shown.
        title: For plots and tables.
    """

    key: str
    metric: str
    unit: str
    title: str

    @property
    def error_key(self) -> str:
        """The name of prediction − reference in the scores."""
        return f"{self.key}_error"


QUANTITIES = (
    Quantity("max_frequency_k", "mae_max_frequency", "K", "highest frequency"),
    Quantity("entropy_j_per_mol_k", "mae_entropy", "J/K/mol", "entropy"),
    Quantity("heat_capacity_j_per_mol_k", "mae_heat_capacity", "J/K/mol", "heat capacity"),
    Quantity("free_energy_kj_per_mol", "mae_free_energy", "kJ/mol", "free energy"),
)


FIXED_BY_LAMBENCH = (
    "relax",
    "fmax",
    "max_steps",
    "symmetry",
    "displacement_ang",
    "mesh_length_ang",
    "symprec_ang",
)
"""Options whose defaults are part of the protocol `lambench`."""


@dataclass(frozen=True)
class PhononSettings:
    """The options of the task, as `lamcore_phonon.build_task` describes them."""

    protocol: Literal["default", "lambench"] = "default"
    temperature_k: float = 300.0
    relax: bool = True
    fmax: float = 0.001
    max_steps: int = 500
    symmetry: bool = True
    displacement_ang: float = 0.01
    mesh_length_ang: float = 100.0
    symprec_ang: float | None = None
    stability_tolerance_thz: float = 0.1
    band_structure: bool = False
    dos: bool = False
    force_constants: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be computed, before any model is built."""
        for name in ("temperature_k", "fmax", "max_steps", "displacement_ang", "mesh_length_ang", "symprec_ang"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ConfigError(f"task.{name} is {value}, expected a value above zero")
        if not self.stability_tolerance_thz >= 0:
            raise ConfigError(f"task.stability_tolerance_thz is {self.stability_tolerance_thz}, expected zero or above")
        if self.band_structure and find_spec("seekpath") is None:
            raise ConfigError("task.band_structure needs seekpath: pip install 'lamcore-phonon-task[bands]'")
        if self.protocol == "lambench":
            self._refuse_contradictions()

    def _refuse_contradictions(self) -> None:
        """A protocol's name vouches for its settings."""
        defaults = {field.name: field.default for field in fields(self)}
        other = [name for name in FIXED_BY_LAMBENCH if getattr(self, name) != defaults[name]]
        if other:
            raise ConfigError(
                f"task.protocol=lambench does not go with {', '.join(f'task.{n}={getattr(self, n)}' for n in other)}: "
                f"it fixes {', '.join(FIXED_BY_LAMBENCH)}; leave them out, or use task.protocol=default"
            )

    @property
    def displacement_symprec_ang(self) -> float:
        """Distance within which positions count as symmetric images when atoms are displaced, Å."""
        return self.symprec_ang or (LAMBENCH_SYMPREC_ANG if self.protocol == "lambench" else SYMPREC_ANG)

    @property
    def relaxation_symprec_ang(self) -> float:
        """The same while relaxing, Å."""
        return self.symprec_ang or (LAMBENCH_RELAXATION_SYMPREC_ANG if self.protocol == "lambench" else SYMPREC_ANG)


class PhononTask(Task):
    """Harmonic phonons of crystals.

    A case has one structure, the unit cell, and in its settings `supercell_matrix` and `primitive_matrix` (as in
    phonopy; `auto` is allowed for the latter). Its reference may hold any of `max_frequency_k`, `entropy_j_per_mol_k`,
    `heat_capacity_j_per_mol_k`, `free_energy_kj_per_mol` (per mole of primitive cells, at `temperature_k` of the
    settings) and `min_frequency_thz`. `max_frequency_points` and `min_frequency_points` in the settings tell where the
    labels of the frequencies were looked for: `mesh`, `commensurate` or `lambench`.
    """

    needs = frozenset(("energy", "forces", "stress"))

    def __init__(self, settings: PhononSettings | None = None) -> None:
        self.settings = settings if settings is not None else PhononSettings()
        if not self.settings.relax:
            self.needs = frozenset(("energy", "forces"))

    def calculate(self, case: Case, model: Model) -> dict[str, Any]:
        """Relax the crystal, compute its force constants, and sample its frequencies."""
        given = case.atoms
        atoms, relaxation = self._relaxed(given, model)
        phonon, supercells = physics.prepare(
            atoms,
            supercell_matrix=case.settings["supercell_matrix"],
            primitive_matrix=case.settings["primitive_matrix"],
            displacement_ang=self.settings.displacement_ang,
            symprec_ang=self.settings.displacement_symprec_ang,
        )
        physics.solve_force_constants(phonon, [prediction.forces for prediction in model.evaluate(supercells)])
        mesh = physics.sample_mesh(phonon, self.settings.mesh_length_ang, respect_supercell=not self._is_lambench)
        _refuse_free_atoms(mesh, atoms)
        space_groups = {
            "space_group_given": physics.space_group_number(given, SPACE_GROUP_SYMPREC_ANG),
            "space_group_relaxed": physics.space_group_number(atoms, SPACE_GROUP_SYMPREC_ANG),
        }
        return {
            **relaxation,
            **space_groups,
            **self._cells(atoms, phonon, len(supercells)),
            **self._sampled(phonon, mesh),
            **self._drawn(phonon),
        }

    def score(self, case: Case, output: Mapping[str, Any]) -> dict[str, Any]:
        """Compare with the labels, taking frequencies from the points and sums at the temperature of the labels."""
        settings = case.settings
        predicted = dict.fromkeys(quantity.key for quantity in QUANTITIES)
        thermal = self._thermal(
            output["mesh_qpoints"],
            output["mesh_frequencies_thz"],
            output["mesh_weights"],
            settings.get("temperature_k", self.settings.temperature_k),
        )
        points = "lambench" if self._is_lambench else settings.get("max_frequency_points", "mesh")
        predicted |= thermal | {"max_frequency_k": output[f"max_frequency_{points}_thz"] * self._kelvin_per_thz}
        scores: dict[str, Any] = dict(predicted)
        for quantity in QUANTITIES:
            if quantity.key in case.reference:
                scores[quantity.error_key] = predicted[quantity.key] - case.reference[quantity.key]
        min_points = settings.get("min_frequency_points", "mesh")
        scores["min_frequency_thz"] = output[f"min_frequency_{min_points}_thz"]
        scores["stable"] = self._is_stable(scores["min_frequency_thz"])
        if (label := self._labelled_stable(case)) is not None:
            scores["stability_right"] = scores["stable"] == label
        return scores

    def summarize(self, scored: Sequence[ScoredCase]) -> list[Metric]:
        """Mean absolute errors of what has labels, the share that succeeded, and the share judged rightly stable."""
        from lamcore.scoring import mean_absolute_error, proportion, success_rate

        metrics = [
            mean_absolute_error(
                scored,
                name=quantity.metric,
                error=quantity.error_key,
                label=quantity.key,
                unit=quantity.unit,
                failures="excluded" if self._is_lambench else "dummy",
            )
            for quantity in QUANTITIES
            if any(quantity.key in one.case.reference for one in scored)
        ]
        if self._is_lambench and any(one.case.settings.get("max_frequency_points") != "lambench" for one in scored):
            note = "labels are not at LAMBench's points"
            metrics = [
                replace(metric, note=f"{metric.note}; {note}" if metric.note else note)
                if metric.name == QUANTITIES[0].metric
                else metric
                for metric in metrics
            ]
        metrics.append(success_rate(scored))
        labels = [label for one in scored if (label := self._labelled_stable(one.case)) is not None]
        if labels:
            share_stable = sum(labels) / len(labels)
            metrics.append(
                proportion(
                    scored,
                    name="stability_accuracy",
                    success=self._judged_rightly,
                    note="failed cases count as wrong",
                    dummy=max(share_stable, 1 - share_stable),
                )
            )
        return metrics

    @property
    def _is_lambench(self) -> bool:
        return self.settings.protocol == "lambench"

    @property
    def _kelvin_per_thz(self) -> float:
        return LAMBENCH_KELVIN_PER_THZ if self._is_lambench else KELVIN_PER_THZ

    def _relaxed(self, atoms: Atoms, model: Model) -> tuple[Atoms, dict[str, Any]]:
        """The structure to displace, and how it was reached."""
        if not self.settings.relax:
            return atoms, {"relaxation_steps": 0}
        from lamcore import relax

        relaxation = relax(
            atoms,
            model,
            optimizer="fire",
            cell="frechet",
            fmax=self.settings.fmax,
            max_steps=self.settings.max_steps,
            symmetry=self.settings.symmetry,
            symprec=self.settings.relaxation_symprec_ang,
            force_limit=FORCE_LIMIT_EV_PER_ANG,
        )
        if not relaxation.converged and not self._is_lambench:
            raise CaseError(
                f"{atoms.get_chemical_formula()}: the relaxation did not converge: largest force "
                f"{relaxation.residual:.3g} eV/Å after {relaxation.n_steps} steps, expected at most "
                f"{self.settings.fmax:g} eV/Å; task.max_steps and task.fmax set the limits"
            )
        return relaxation.atoms, {
            "relaxation_steps": relaxation.n_steps,
            "relaxation_converged": bool(relaxation.converged),
            "relaxation_residual_ev_per_ang": float(relaxation.residual),
            "relaxed_energy_ev": float(relaxation.energy),
        }

    def _cells(self, atoms: Atoms, phonon: Phonopy, n_displacements: int) -> dict[str, Any]:
        return {
            "cell_ang": atoms.cell.array.copy(),
            "positions_ang": atoms.positions.copy(),
            "numbers": atoms.numbers.copy(),
            "primitive_matrix": np.array(phonon.primitive_matrix),
            "n_atoms_primitive": len(phonon.primitive),
            "n_atoms_supercell": len(phonon.supercell),
            "n_displacements": n_displacements,
        }

    def _sampled(self, phonon: Phonopy, mesh: physics.MeshSampling) -> dict[str, Any]:
        """Frequencies on the mesh and at the commensurate points, and what follows from them."""
        commensurate = physics.frequencies_at(phonon, physics.commensurate_points(phonon))
        lambench = physics.frequencies_at(phonon, physics.lambench_points(phonon))
        thermal = self._thermal(mesh.qpoints, mesh.frequencies_thz, mesh.weights, self.settings.temperature_k)
        extremes: dict[str, float] = {}
        for points, frequencies in (
            ("mesh", mesh.frequencies_thz),
            ("commensurate", commensurate),
            ("lambench", lambench),
        ):
            extremes[f"max_frequency_{points}_thz"] = float(frequencies.max())
            extremes[f"min_frequency_{points}_thz"] = float(frequencies.min())
        return {
            **extremes,
            **thermal,
            "temperature_k": self.settings.temperature_k,
            "imaginary_share": physics.imaginary_share(
                mesh.frequencies_thz, mesh.weights, self.settings.stability_tolerance_thz
            ),
            "n_imaginary_commensurate": int(np.sum(commensurate < -self.settings.stability_tolerance_thz)),
            "mesh_numbers": mesh.numbers,
            "mesh_is_regular": mesh.regular,
            "mesh_qpoints": mesh.qpoints,
            "mesh_weights": mesh.weights,
            "mesh_frequencies_thz": mesh.frequencies_thz,
            "commensurate_frequencies_thz": commensurate,
        }

    def _drawn(self, phonon: Phonopy) -> dict[str, Any]:
        """What is computed only when asked for."""
        asked: dict[str, Any] = {}
        if self.settings.force_constants:
            asked["force_constants_ev_per_ang2"] = np.array(phonon.force_constants)
        if self.settings.dos:
            asked["dos_frequencies_thz"], asked["dos_per_thz"] = physics.density_of_states(phonon)
        if self.settings.band_structure:
            bands = physics.band_structure(phonon)
            asked["band_distances_per_ang"] = bands.distances
            asked["band_frequencies_thz"] = bands.frequencies_thz
            asked["band_segment_lengths"] = bands.segment_lengths
            asked["band_labels"] = [list(pair) for pair in bands.labels]
        return asked

    def _thermal(
        self,
        qpoints: NDArray[np.float64],
        frequencies_thz: NDArray[np.float64],
        weights: NDArray[np.int64],
        temperature_k: float,
    ) -> dict[str, float]:
        cutoff = 0.0
        if not self._is_lambench:
            frequencies_thz = physics.without_acoustic_at_gamma(qpoints, frequencies_thz)
            cutoff = ACOUSTIC_CUTOFF_THZ
        thermal = physics.thermal_properties(frequencies_thz, weights, temperature_k, cutoff)
        return {
            "entropy_j_per_mol_k": thermal.entropy_j_per_mol_k,
            "free_energy_kj_per_mol": thermal.free_energy_kj_per_mol,
            "heat_capacity_j_per_mol_k": thermal.heat_capacity_j_per_mol_k,
        }

    def _is_stable(self, min_frequency_thz: float) -> bool:
        return bool(min_frequency_thz > -self.settings.stability_tolerance_thz)

    def _labelled_stable(self, case: Case) -> bool | None:
        label = case.reference.get("min_frequency_thz")
        return None if label is None else self._is_stable(label)

    def _judged_rightly(self, one: ScoredCase) -> bool | None:
        if self._labelled_stable(one.case) is None:
            return None
        return one.scores is not None and bool(one.scores["stability_right"])


def _refuse_free_atoms(mesh: physics.MeshSampling, atoms: Atoms) -> None:
    """Fail a case whose atoms do not feel each other: its thermal sums would all be zero, and look like numbers.

    Raises:
        CaseError: Every frequency, real or imaginary, is at most `ACOUSTIC_CUTOFF_THZ` in size.
    """
    largest = float(np.abs(mesh.frequencies_thz).max())
    if largest <= ACOUSTIC_CUTOFF_THZ:
        raise CaseError(
            f"{atoms.get_chemical_formula()}: the force constants vanish: no frequency exceeds {largest:.2g} THz at "
            f"{atoms.get_volume() / len(atoms):.4g} Å³ an atom, so the atoms do not feel each other; "
            "the relaxation may have blown the crystal up",
            structure=atoms,
        )
