"""How far apart two numbers may be that should be the same, by floating-point type.

A claim fails on a fault of the plugin or the model, not on rounding. Faults that occur (a wrong sign, a stress in other
units, an edge lost, a batch that mixes its structures) are larger than 1e-3 eV, eV/Å or eV/Å³ × 10; the limits lie
between those and what rounding does, and each was compared with what correct models show.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Limits:
    """Limits and steps for one floating-point type.

    Two evaluations of the same physics:

    Attributes:
        energy: eV/atom. Double precision: a network adds up 1e4 terms of 1 to 100 eV, each rounded at 1e-16 of its
            size, and loses 1e-13; 1e-9 also lets potentials pass that tabulate or iterate. Single precision: the same
            with 6e-8, 1e-6 in good order and up to 1e-5 where terms cancel.
        forces: eV/Å; ten times as much, since a force is a sum of slopes over all edges.
        stress: eV/Å³; the energy's over the volume of an atom, about 10 Å³, times edges of several Å.
        descriptors: Relative to the largest of them; features see all of the rounding and none of the averaging.

    Two evaluations that rotate: constants such as Clebsch–Gordan coefficients and spherical harmonics are often stored
    in single precision even where a network computes in double, which limits equivariance to 1e-7 of the terms.

    Attributes:
        rotated_energy: eV/atom.
        rotated_forces: eV/Å.
        rotated_stress: eV/Å³.

    Slopes of the energy by a six-point difference. The error is step⁶/140 times the seventh derivative (below 1e-6 eV/Å
    for bonds as stiff as O–H) plus 1.1 times the rounding of the energy over the step; see `consistency` for the
    shorter steps that are tried where that is not enough:

    Attributes:
        step_ang: Å.
        step_strain: Dimensionless.
        slope_forces: eV/Å. Double: potentials whose second derivative jumps inside the stencil show up to 1e-6.
            Single: 1e-5 eV of rounding over the step is 4e-4; a missing term is 1e-2 and more.
        slope_stress: eV/Å³. Single: 1e-5 eV over the step and 50 Å³ is 2e-5.
        loop_work_ev: Work around a closed loop, eV: the rounding of forces times the length.
        jump_energy_ev: Energy lost when an edge crosses the cut-off, eV.
        jump_force: Force lost there, eV/Å.
    """

    energy: float
    forces: float
    stress: float
    descriptors: float
    rotated_energy: float
    rotated_forces: float
    rotated_stress: float
    step_ang: float
    step_strain: float
    slope_forces: float
    slope_stress: float
    loop_work_ev: float
    jump_energy_ev: float
    jump_force: float


LIMITS: Final = {
    "float64": Limits(
        energy=1e-9,
        forces=1e-8,
        stress=1e-9,
        descriptors=1e-8,
        rotated_energy=1e-6,
        rotated_forces=1e-5,
        rotated_stress=1e-6,
        step_ang=0.01,
        step_strain=0.003,
        slope_forces=1e-5,
        slope_stress=1e-6,
        loop_work_ev=1e-6,
        jump_energy_ev=1e-6,
        jump_force=1e-5,
    ),
    "float32": Limits(
        energy=1e-5,
        forces=2e-4,
        stress=1e-5,
        descriptors=1e-4,
        rotated_energy=1e-5,
        rotated_forces=2e-4,
        rotated_stress=1e-5,
        step_ang=0.03,
        step_strain=0.01,
        slope_forces=2e-3,
        slope_stress=1e-4,
        loop_work_ev=2e-4,
        jump_energy_ev=5e-5,
        jump_force=5e-4,
    ),
}


def limits_of(dtype: str) -> Limits:
    """The limits for a model's floating-point type; anything but float64 is judged as float32."""
    return LIMITS["float64" if dtype == "float64" else "float32"]
