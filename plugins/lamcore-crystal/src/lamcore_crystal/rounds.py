"""The rules of a round, as kept with it: changed rules are another round."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class Limits:
    """What a submitted structure may be.

    Attributes:
        max_bytes: Largest file, bytes.
        max_sites: Most atoms in the cell as given.
        max_length_ang: Longest lattice vector after Niggli reduction, Å.
        min_length_ang: Shortest lattice vector after Niggli reduction, Å.
        min_volume_ang3: Smallest cell, Å³.
        min_distance_ang: Two atoms, images included, are never closer, Å.
        min_covalent_share: Nor closer than this share of the sum of their covalent radii.
        volume_per_atom_ang3: Smallest and largest volume per atom, Å³.
        sparse_above_ang3: Volume per atom above which there is a warning, Å³.
        max_density_g_cm3: Largest mass density, g/cm³.
        occupancy_window: Occupancies within are taken for 1, with a warning.
        seconds: Wall-clock time for parsing and checking one file, s.
        memory_mib: Memory for parsing and checking one file, MiB.
    """

    max_bytes: int = 1_000_000
    max_sites: int = 200
    max_length_ang: float = 100.0
    min_length_ang: float = 0.8
    min_volume_ang3: float = 1.0
    min_distance_ang: float = 0.7
    min_covalent_share: float = 0.55
    volume_per_atom_ang3: tuple[float, float] = (4.0, 1100.0)
    sparse_above_ang3: float = 100.0
    max_density_g_cm3: float = 25.0
    occupancy_window: tuple[float, float] = (0.95, 1.05)
    seconds: float = 5.0
    memory_mib: int = 2048


@dataclass(frozen=True)
class RelaxationRules:
    """How structures are relaxed, and which outcomes count.

    Attributes:
        optimizer: `fire` or `lbfgs`; `openlam-1` relaxes as OpenLAM did, which fixes the steps, and `fmax` is then the
            largest component of a force that counts.
        fmax: Longest row of the generalised forces at the end, eV/Å.
        max_steps: Steps before it counts as unconverged.
        max_stress_gpa: Largest component of the stress at the end, GPa.
        volume_ratio: Smallest and largest ratio of the volumes after and before.
        formation_energy: Smallest and largest formation energy that counts as physical, eV/atom.
    """

    optimizer: Literal["fire", "lbfgs", "openlam-1"] = "fire"
    fmax: float = 0.02
    max_steps: int = 500
    max_stress_gpa: float = 0.1
    volume_ratio: tuple[float, float] = (0.3, 3.0)
    formation_energy: tuple[float, float] = (-5.0, 5.0)


@dataclass(frozen=True)
class SamplingRules:
    """The gate of the sampling phase.

    Attributes:
        size: Structures in the sample; all where a submission has fewer.
        threshold: Share of the sample that must pass.
        confidence: Of the Wilson interval that is published and that ends sampling early.
        fmax: As in the relaxation, for the sample alone; None takes the relaxation's, and nothing is computed twice.
    """

    size: int = 200
    threshold: float = 0.30
    confidence: float = 0.95
    fmax: float | None = None


@dataclass(frozen=True)
class MatchingRules:
    """When two structures are the same.

    Attributes:
        symprec: The two tolerances that symmetry is found at, Å; the first is the one that is shown.
        ltol: Of pymatgen's StructureMatcher: fractional tolerance of lengths.
        stol: Of the same: tolerance of sites, in units of (V/n)^⅓.
        angle_tol_deg: Of the same, °.
        energy_window: Two of one formula are compared when their energies are within, eV/atom, …
        volume_window: … and their volumes per atom within this share, or when they share a symmetry key.
        max_candidates: Most structures that one is compared with.
    """

    symprec: tuple[float, float] = (0.1, 0.01)
    ltol: float = 0.2
    stol: float = 0.3
    angle_tol_deg: float = 5.0
    energy_window: float = 0.010
    volume_window: float = 0.03
    max_candidates: int = 20


@dataclass(frozen=True)
class RoundSettings:
    """Everything of a round beside its model and its hull.

    Attributes:
        rules: The checks before relaxation, in order, by name.
        labels: Descriptions that refuse nothing, by name.
        limits: What the checks compare with.
        relaxation: How structures are relaxed.
        sampling: The gate.
        matching: Duplicates and novelty.
        score: Name of the score, version included, such as `energy-above-hull-1`.
        max_files: Most files in one submission.
        max_submission_bytes: Most bytes in one submission, unpacked.
    """

    rules: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    relaxation: RelaxationRules = field(default_factory=RelaxationRules)
    sampling: SamplingRules = field(default_factory=SamplingRules)
    matching: MatchingRules = field(default_factory=MatchingRules)
    score: str = "energy-above-hull-1"
    max_files: int = 100_000
    max_submission_bytes: int = 2_000_000_000

    def as_json(self) -> dict[str, Any]:
        """Plain values; `from_json` makes the same settings of them."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return plain

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> RoundSettings:
        """The settings that `as_json` described."""
        parts: dict[str, type] = {
            "limits": Limits,
            "relaxation": RelaxationRules,
            "sampling": SamplingRules,
            "matching": MatchingRules,
        }
        values = {
            name: parts[name](**{key: _tuple(one) for key, one in value.items()}) if name in parts else _tuple(value)
            for name, value in plain.items()
        }
        return cls(**values)

    def sha256(self) -> str:
        """Of the plain values."""
        return sha256_of_json(self.as_json())


def sha256_of_json(value: object) -> str:
    """A hash of JSON values that does not depend on the order of keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
