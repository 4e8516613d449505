"""Several trajectories of the same structure."""

from __future__ import annotations

from collections.abc import Iterator

from ase import Atoms

from lamcore import Case
from lamcore.errors import ConfigError


def check_replicas(replicas: int) -> int:
    """The number of trajectories a structure.

    Raises:
        ConfigError: It is less than one.
    """
    if replicas < 1:
        raise ConfigError(f"dataset.replicas is {replicas}, expected one or more")
    return replicas


def replicated(system: str, atoms: Atoms, replicas: int) -> Iterator[Case]:
    """A case for each trajectory of a structure; random numbers depend on the id, and so differ.

    Args:
        system: Id of the structure, and of its first trajectory.
        atoms: The structure.
        replicas: How many trajectories.
    """
    for number in range(1, replicas + 1):
        yield Case(
            id=system if number == 1 else f"{system}~{number}",
            structures=(atoms.copy(),),
            settings={"system": system, "name": f"{atoms.get_chemical_formula()} ({system})"},
        )
