"""The sets of known crystals that a challenge begins with."""

from __future__ import annotations

from pathlib import Path

from lamcore.errors import ConfigError
from lamcore_crystal.stages.references import NewSet


def element_set() -> NewSet:
    """The elements: what formation energies are measured from."""
    from lamcore_crystal.references import elements

    return NewSet(
        "elements",
        [(one.name, one.geometry) for one in elements()],
        "MIT (package); published crystal structures",
        "K. Lejaeghere et al., Science 351, aad3000 (2016), doi:10.1126/science.aad3000, and ASE's reference states",
        in_hull=True,
        for_novelty=True,
    )


def compound_set() -> NewSet:
    """Well-known compounds: a first hull, far from complete."""
    from lamcore_crystal.references import compounds

    return NewSet(
        "compounds",
        [(one.name, one.geometry) for one in compounds()],
        "MIT (package); published lattice parameters",
        "see the table of compounds in lamcore-crystal",
        in_hull=True,
        for_novelty=True,
    )


def user_set(text: str, in_hull: bool) -> NewSet:
    """A set that the command line names.

    Args:
        text: `name=path`.
        in_hull: Whether its members are entries of the hull.

    Raises:
        ConfigError: Another form, or nothing at the path.
        DataError: The files cannot be read.
    """
    from lamcore_crystal.references import read_reference_set

    name, equals, path = text.partition("=")
    if not equals or not name or not path:
        raise ConfigError(f"{text!r}: expected name=path, such as mp=known/")
    members = read_reference_set(Path(path))
    if not members:
        raise ConfigError(f"{path}: holds no crystals; give CIF files or a file that ASE reads")
    return NewSet(
        name,
        [(one.name, one.geometry) for one in members],
        "that of the files",
        str(Path(path).name),
        in_hull=in_hull,
        for_novelty=True,
    )
