"""Two classical potentials: effective-medium theory and Lennard-Jones."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lamcore.adapters import AseModel


def build_emt(asap_cutoff: bool = False) -> AseModel:
    """Effective-medium theory as ASE has it: the fcc metals Al, Ni, Cu, Pd, Ag, Pt and Au.

    Args:
        asap_cutoff: Choose the cutoff from the largest atom in the structure, as the ASAP code does, and not from the
            largest atom in the table of parameters. The energy of an element then depends on its company.
    """
    from ase.calculators.emt import EMT, beta, parameters
    from ase.units import Bohr

    from lamcore.adapters import AseModel
    from lamcore.model import Scope

    model = AseModel(EMT(asap_cutoff=asap_cutoff), Scope(elements=frozenset(parameters)))
    # ASE's neighbour list reaches 0.5 Å beyond the midpoint between the third and the fourth shell of the fcc crystal
    # of the largest atom; its ASAP-like cutoff lies below that.
    largest_ang = max(row[1] for row in parameters.values()) * Bohr
    model.cutoff_ang = beta * largest_ang * (3**0.5 + 2) / 2 + 0.5
    return model


def build_lj(
    epsilon_ev: float = 0.010341,
    sigma_ang: float = 3.4,
    cutoff_ang: float | None = None,
    smooth: bool = True,
) -> AseModel:
    """Lennard-Jones potential, 4ε[(σ/r)¹² − (σ/r)⁶], the same for all elements; by default it is argon's.

    Args:
        epsilon_ev: Depth of the well ε, eV. The default is 120 K (Rahman 1964).
        sigma_ang: Distance σ at which the energy is zero, Å.
        cutoff_ang: Distance beyond which atoms do not see each other, Å; 3σ if not given.
        smooth: Bring energy and force to zero between 0.66 times the cutoff and the cutoff. Otherwise the energy is
            shifted to zero at the cutoff and the force jumps there.

    Raises:
        ValueError: A length or the depth of the well is not positive.
    """
    from ase.calculators.lj import LennardJones

    from lamcore.adapters import AseModel

    cutoff = 3 * sigma_ang if cutoff_ang is None else cutoff_ang
    for option, value in (("epsilon_ev", epsilon_ev), ("sigma_ang", sigma_ang), ("cutoff_ang", cutoff)):
        if not value > 0:
            raise ValueError(f"lj: {option} is {value}, expected a positive number")
    model = AseModel(LennardJones(epsilon=epsilon_ev, sigma=sigma_ang, rc=cutoff, smooth=smooth))
    model.cutoff_ang = cutoff
    return model
