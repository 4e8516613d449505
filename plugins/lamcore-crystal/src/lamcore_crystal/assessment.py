"""Whether a relaxed crystal counts: what the relaxation came to, the rules once more, and its place over the hull."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from lamcore_crystal.findings import Finding, first_error
from lamcore_crystal.geometry import Geometry
from lamcore_crystal.relaxing import unphysical_energy, what_is_wrong

if TYPE_CHECKING:
    from lamcore_crystal.description import Description
    from lamcore_crystal.hull.hull import Hull
    from lamcore_crystal.hull.values import HullDistance
    from lamcore_crystal.rounds import RoundSettings


@dataclass(frozen=True)
class Assessment:
    """What became of a structure in and after its relaxation.

    Attributes:
        findings: Errors and warnings, in the order found; an error is the last.
        geometry: Relaxed; None where the relaxation gave none.
        description: Of the relaxed geometry; None where it was not looked at.
        energy_per_atom: eV/atom; None where there is none.
        distance: From the hull; None where it cannot be told.
    """

    findings: Sequence[Finding]
    geometry: Geometry | None = None
    description: Description | None = None
    energy_per_atom: float | None = None
    distance: HullDistance | None = None

    @property
    def error(self) -> Finding | None:
        """Why it does not count; None where it does."""
        return first_error(self.findings)


def assess(relaxation: Mapping[str, Any], settings: RoundSettings, hull: Hull) -> Assessment:
    """Judge the outcome of a relaxation.

    Args:
        relaxation: A row of the table `relaxation`.
        settings: Of the round.
        hull: Frozen.
    """
    from lamcore_crystal.intake.checking import check_geometry

    if relaxation["status"] == "failed":
        return Assessment([Finding(relaxation["code"], "error", relaxation["message"])])
    rules = settings.relaxation
    wrong = what_is_wrong(
        {
            "residual_ev_ang": relaxation["residual"],
            "n_steps": relaxation["n_steps"],
            "max_stress_gpa": relaxation["max_stress_gpa"],
            "volume_ratio": relaxation["volume_ratio"],
        },
        rules,
    )
    geometry = Geometry.unpack(relaxation["geometry"])
    energy_per_atom = relaxation["energy"] / len(geometry)
    if wrong is not None:
        return Assessment([wrong], geometry, energy_per_atom=energy_per_atom)
    checked = check_geometry(geometry, replace(settings, labels=()))
    findings = list(checked.findings)
    if first_error(findings) is not None or checked.description is None:
        return Assessment(findings, geometry, None, energy_per_atom)
    distance = _distance(geometry, energy_per_atom, hull)
    if isinstance(distance, Finding):
        return Assessment([*findings, distance], geometry, checked.description, energy_per_atom)
    if (unphysical := unphysical_energy(distance.formation_energy_per_atom, rules)) is not None:
        findings.append(unphysical)
    return Assessment(findings, geometry, checked.description, energy_per_atom, distance)


def _distance(geometry: Geometry, energy_per_atom: float, hull: Hull) -> HullDistance | Finding:
    from collections import Counter

    from ase.data import chemical_symbols

    from lamcore_crystal.hull.values import MissingTerminalError

    amounts = {chemical_symbols[number]: float(count) for number, count in Counter(geometry.numbers.tolist()).items()}
    try:
        return hull.distances([amounts], [energy_per_atom])[0]
    except MissingTerminalError as error:
        return Finding("E_NO_REFERENCE", "error", str(error))
