"""Task eos: the energy–volume curve of a crystal, and how far it is from a reference curve."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lamcore.errors import CaseError
from lamcore.task import Metric, ScoredCase, Task

if TYPE_CHECKING:
    from ase import Atoms

    from lamcore.builtin.eos_physics import EquationOfState
    from lamcore.cases import Case
    from lamcore.model import Model

MAX_SCANS = 10
MAX_RESIDUAL = 0.1
"""Largest residual of a fit, as a fraction of the span of its energies; smooth models stay below 0.01."""

_NOT_A_CURVE = "the energies do not follow a Birch–Murnaghan curve"


class NoEquationOfStateError(CaseError, ValueError):
    """The energies of a crystal do not describe a curve with a minimum."""


class Eos(Task):
    """Birch–Murnaghan equation of state from an isotropic volume scan, ions held at their fractional coordinates.

    The scan starts at the reference volume. Where the model's minimum lies outside, the next scan is centred on the
    end that is lower, so that the last one holds the minimum; a curve is never extrapolated.

    Args:
        n_volumes: Volumes of a scan.
        max_volume_strain: Half-width of the scan, as a fraction of the volume at its centre.
        recentre: Whether to follow a minimum that lies outside the first scan.

    Raises:
        ValueError: An option is out of range.
    """

    needs = frozenset(("energy",))

    def __init__(self, n_volumes: int = 7, max_volume_strain: float = 0.06, recentre: bool = True) -> None:
        if n_volumes < 5:
            raise ValueError(f"eos: n_volumes is {n_volumes}, expected at least 5 for a fit of four parameters")
        if not 0 < max_volume_strain <= 0.3:
            raise ValueError(f"eos: max_volume_strain is {max_volume_strain}, expected more than 0 and at most 0.3")
        self.n_volumes = n_volumes
        self.max_volume_strain = max_volume_strain
        self.recentre = recentre

    def calculate(self, case: Case, model: Model) -> Mapping[str, Any]:
        """Energies around the minimum.

        Returns:
            `volumes_ang3_per_atom` and `energies_ev_per_atom`, shape (n_volumes,), of the scan that holds the minimum,
            and `n_scans`, how many it took.

        Raises:
            NoEquationOfStateError: No minimum was found, or the energies jump or have several minima.
        """
        import numpy as np

        from lamcore.builtin.eos_physics import MinimumOutsideScanError, fit, fit_rms_ev, scan_volumes

        atoms = case.atoms
        centre = float(case.reference["volume_ang3_per_atom"])
        for n_scans in range(1, MAX_SCANS + 1 if self.recentre else 2):
            volumes = scan_volumes(centre, self.max_volume_strain, self.n_volumes)
            predictions = model.evaluate([_with_volume(atoms, float(volume)) for volume in volumes])
            energies = np.array([prediction.energy for prediction in predictions]) / len(atoms)
            try:
                curve = fit(volumes, energies)
            except MinimumOutsideScanError as error:
                lowest = int(np.argmin(energies))
                if 0 < lowest < self.n_volumes - 1:
                    raise NoEquationOfStateError(f"case {case.id!r}: {_NOT_A_CURVE}: {error}") from error
                reason = str(error)
                centre = float(volumes[lowest])
                continue
            residual, depth = fit_rms_ev(curve, volumes, energies), float(np.ptp(energies))
            if residual > MAX_RESIDUAL * depth:
                raise NoEquationOfStateError(
                    f"case {case.id!r}: {_NOT_A_CURVE}: the fit is off by {1e3 * residual:.3g} meV/atom (root mean "
                    f"square), the energies differ by {1e3 * depth:.3g} meV/atom in all"
                )
            return {"volumes_ang3_per_atom": volumes, "energies_ev_per_atom": energies, "n_scans": n_scans}
        hint = "" if self.recentre else "; task.recentre=true would follow it"
        raise NoEquationOfStateError(f"case {case.id!r}, after {n_scans} scan{'s' * (n_scans > 1)}: {reason}{hint}")

    def score(self, case: Case, output: Mapping[str, Any]) -> Mapping[str, Any]:
        """The fitted curve and its distance from the reference.

        Returns:
            `volume_ang3_per_atom`, `bulk_modulus_gpa`, `bulk_modulus_derivative` and `energy_ev_per_atom` of the fit,
            `fit_rms_mev` (its residual per atom), prediction − reference as `*_error*`, and `delta_mev` per atom.
        """
        from lamcore.builtin.eos_physics import delta_mev, fit, fit_rms_ev

        volumes, energies = output["volumes_ang3_per_atom"], output["energies_ev_per_atom"]
        model_curve = fit(volumes, energies)
        reference = reference_curve(case)
        volume_error = model_curve.volume_ang3 - reference.volume_ang3
        return {
            "volume_ang3_per_atom": model_curve.volume_ang3,
            "bulk_modulus_gpa": model_curve.bulk_modulus_gpa,
            "bulk_modulus_derivative": model_curve.derivative,
            "energy_ev_per_atom": model_curve.energy_ev,
            "fit_rms_mev": 1e3 * fit_rms_ev(model_curve, volumes, energies),
            "volume_error_ang3": volume_error,
            "volume_error_percent": 100 * volume_error / reference.volume_ang3,
            "bulk_modulus_error_gpa": model_curve.bulk_modulus_gpa - reference.bulk_modulus_gpa,
            "bulk_modulus_derivative_error": model_curve.derivative - reference.derivative,
            "delta_mev": delta_mev(model_curve, reference),
        }

    def perfect_output(self, case: Case) -> Mapping[str, Any]:
        """Energies on the reference curve."""
        from lamcore.builtin.eos_physics import scan_volumes

        curve = reference_curve(case)
        volumes = scan_volumes(curve.volume_ang3, self.max_volume_strain, self.n_volumes)
        return {"volumes_ang3_per_atom": volumes, "energies_ev_per_atom": curve.energies(volumes), "n_scans": 1}

    def summarize(self, scored: Sequence[ScoredCase]) -> list[Metric]:
        """Mean Δ, mean absolute errors of V₀, B₀ and B′, and the share of crystals with a curve.

        The dummy of Δ is the curve with the mean V₀, B₀ and B′ of the run's references.
        """
        from lamcore.scoring import mean_absolute_error, mean_score, success_rate

        return [
            mean_score(
                scored, name="mean_delta", score="delta_mev", unit="meV/atom", dummy=_deltas_of_the_mean_curve(scored)
            ),
            mean_absolute_error(
                scored, name="mae_volume", error="volume_error_ang3", label="volume_ang3_per_atom", unit="Å³/atom"
            ),
            mean_absolute_error(
                scored,
                name="mae_bulk_modulus",
                error="bulk_modulus_error_gpa",
                label="bulk_modulus_gpa",
                unit="GPa",
            ),
            mean_absolute_error(
                scored,
                name="mae_bulk_modulus_derivative",
                error="bulk_modulus_derivative_error",
                label="bulk_modulus_derivative",
                unit="1",
            ),
            success_rate(scored),
        ]


def build_eos(n_volumes: int = 7, max_volume_strain: float = 0.06, recentre: bool = True) -> Eos:
    """Equations of state: V₀, B₀, B′, and Δ to the reference curve.

    Args:
        n_volumes: Volumes of a scan, at least 5.
        max_volume_strain: Half-width of the scan, as a fraction of the volume at its centre.
        recentre: Follow a minimum that lies outside the scan around the reference volume; if false, such a case fails.
    """
    return Eos(n_volumes, max_volume_strain, recentre)


def reference_curve(case: Case) -> EquationOfState:
    """The equation of state that a case is compared with."""
    from lamcore.builtin.eos_physics import EquationOfState

    return EquationOfState(
        volume_ang3=float(case.reference["volume_ang3_per_atom"]),
        bulk_modulus_gpa=float(case.reference["bulk_modulus_gpa"]),
        derivative=float(case.reference["bulk_modulus_derivative"]),
    )


def _with_volume(atoms: Atoms, volume_ang3_per_atom: float) -> Atoms:
    """The crystal scaled to a volume, all angles and fractional coordinates kept."""
    scaled: Atoms = atoms.copy()
    factor = (volume_ang3_per_atom * len(atoms) / atoms.get_volume()) ** (1 / 3)
    scaled.set_cell(atoms.cell * factor, scale_atoms=True)
    return scaled


def _deltas_of_the_mean_curve(scored: Sequence[ScoredCase]) -> dict[str, float]:
    """Δ in meV/atom between each reference and the curve with the references' mean parameters, by case id."""
    from lamcore.builtin.eos_physics import EquationOfState, delta_mev

    if not scored:
        return {}
    references = {case.case.id: reference_curve(case.case) for case in scored}
    curves = list(references.values())
    mean = EquationOfState(
        volume_ang3=math.fsum(curve.volume_ang3 for curve in curves) / len(curves),
        bulk_modulus_gpa=math.fsum(curve.bulk_modulus_gpa for curve in curves) / len(curves),
        derivative=math.fsum(curve.derivative for curve in curves) / len(curves),
    )
    return {case_id: delta_mev(mean, curve) for case_id, curve in references.items()}
