"""Birch–Murnaghan equations of state: fit them, evaluate them, compare them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from ase.eos import birchmurnaghan
from ase.utils.deltacodesdft import delta

from lamcore.quantities import GPA_PER_EV_ANG3

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


class MinimumOutsideScanError(ValueError):
    """The energies have no minimum between the smallest and the largest volume."""


@dataclass(frozen=True)
class EquationOfState:
    """The third-order Birch–Murnaghan equation of state of one atom's share of a crystal.

    Attributes:
        volume_ang3: Volume V₀ at the minimum, Å³/atom.
        bulk_modulus_gpa: Bulk modulus B₀ at the minimum, GPa.
        derivative: Its pressure derivative B′, dimensionless.
        energy_ev: Energy at the minimum, eV/atom.
    """

    volume_ang3: float
    bulk_modulus_gpa: float
    derivative: float
    energy_ev: float = 0.0

    def energies(self, volumes_ang3: ArrayLike) -> NDArray[np.float64]:
        """Energies, eV/atom, at volumes in Å³/atom."""
        volumes = np.asarray(volumes_ang3, dtype=np.float64)
        modulus = self.bulk_modulus_gpa / GPA_PER_EV_ANG3
        curve = birchmurnaghan(volumes, self.energy_ev, modulus, self.derivative, self.volume_ang3)
        return np.asarray(curve, dtype=np.float64)


def scan_volumes(centre_ang3: float, max_strain: float, n_volumes: int) -> NDArray[np.float64]:
    """Evenly spaced volumes from centre × (1 − max_strain) to centre × (1 + max_strain), shape (n_volumes,)."""
    return centre_ang3 * np.linspace(1 - max_strain, 1 + max_strain, n_volumes)


def fit(volumes_ang3: ArrayLike, energies_ev: ArrayLike) -> EquationOfState:
    """The equation of state of an energy–volume scan.

    The third-order Birch–Murnaghan energy is a cubic polynomial in x = V^(−2/3), so that the fit is a linear one. With
    E₂ and E₃ its second and third derivative at the minimum x₀: B₀ = 4 E₂ x₀² / (9 V₀), B′ = 4 + 2 x₀ E₃ / (3 E₂).

    Args:
        volumes_ang3: Å³/atom, shape (n_volumes,), at least 5 different ones, in any order.
        energies_ev: eV/atom, in the same order.

    Raises:
        ValueError: Too few volumes, or the shapes differ.
        MinimumOutsideScanError: The fitted curve has no minimum within the scan.

    Source:
        F. Birch, Phys. Rev. 71, 809 (1947), doi:10.1103/PhysRev.71.809.
    """
    volumes = np.asarray(volumes_ang3, dtype=np.float64)
    energies = np.asarray(energies_ev, dtype=np.float64)
    if volumes.shape != energies.shape or volumes.ndim != 1 or len(np.unique(volumes)) < 5:
        raise ValueError(
            f"volumes of shape {volumes.shape} and energies of shape {energies.shape}, "
            "expected the same number of both, at least 5"
        )
    # Scaled so that x is about 1 and energies are about 0: the normal equations stay well conditioned.
    scale = float(np.mean(volumes))
    offset = float(np.min(energies))
    x = (volumes / scale) ** (-2 / 3)
    energy = np.polynomial.Polynomial.fit(x, energies - offset, deg=3)
    slope, curvature, third = energy.deriv(1), energy.deriv(2), energy.deriv(3)
    roots = slope.roots()
    minima = [
        float(root.real)
        for root in roots
        if abs(root.imag) < 1e-12 and x.min() <= root.real <= x.max() and curvature(root.real) > 0
    ]
    if len(minima) != 1:
        raise MinimumOutsideScanError(
            f"no minimum of the energy between {volumes.min():.3f} and {volumes.max():.3f} Å³/atom; "
            f"the lowest of {len(volumes)} energies is at {volumes[np.argmin(energies)]:.3f}"
        )
    x0 = minima[0]
    volume = scale * x0**-1.5
    return EquationOfState(
        volume_ang3=volume,
        bulk_modulus_gpa=float(4 / 9 * curvature(x0) * x0**2 / volume) * GPA_PER_EV_ANG3,
        derivative=float(4 + 2 / 3 * x0 * third(x0) / curvature(x0)),
        energy_ev=offset + float(energy(x0)),
    )


def fit_rms_ev(curve: EquationOfState, volumes_ang3: ArrayLike, energies_ev: ArrayLike) -> float:
    """Root mean square difference, eV/atom, between a curve and the energies it was fitted to."""
    residuals = curve.energies(volumes_ang3) - np.asarray(energies_ev, dtype=np.float64)
    return float(np.sqrt(np.mean(residuals**2)))


def delta_mev(one: EquationOfState, other: EquationOfState) -> float:
    """Δ between two equations of state, meV/atom.

    The root mean square difference of the two curves, each from its own minimum, over ±6 % around the mean of both V₀.

    Source:
        K. Lejaeghere et al., Crit. Rev. Solid State Mater. Sci. 39, 1 (2014), doi:10.1080/10408436.2013.772503.
    """
    curves = [(curve.volume_ang3, curve.bulk_modulus_gpa / GPA_PER_EV_ANG3, curve.derivative) for curve in (one, other)]
    return 1e3 * float(delta(*curves[0], *curves[1], symmetric=True))
