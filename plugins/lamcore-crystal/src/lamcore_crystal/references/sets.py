"""The sets of known crystals that a challenge begins with."""

from __future__ import annotations

from pathlib import Path

from lamcore.errors import ConfigError
from lamcore_crystal.references.compounds import compounds
from lamcore_crystal.references.crystals import NewSet, ReferenceCrystal
from lamcore_crystal.references.elements import elements
from lamcore_crystal.references.reading import read_reference_set

_FACTS = "facts, from the literature"


def element_set() -> NewSet:
    """The elements; in every hull."""
    return _set("elements", elements(), in_hull=True)


def compound_set() -> NewSet:
    """The small table of compounds."""
    return _set("compounds", compounds(), in_hull=True)


def user_set(text: str, in_hull: bool) -> NewSet:
    """A set of one's own.

    Args:
        text: `name=path`, as on the command line.
        in_hull: Whether it is for the hull too, and not for novelty alone.

    Raises:
        ConfigError: The text is not a name and a path.
        ReferenceFileError: What is at the path cannot be read.
    """
    name, equals, path = text.partition("=")
    if not (equals and name.strip() and path.strip()):
        raise ConfigError(f"reference set {text!r}: expected name=path, such as mp=known/mp.jsonl.gz")
    members = [(one.name, one.geometry) for one in read_reference_set(Path(path.strip()))]
    return NewSet(name.strip(), members, "unknown", "", in_hull=in_hull, for_novelty=True)


def _set(name: str, crystals: list[ReferenceCrystal], in_hull: bool) -> NewSet:
    citation = "; ".join(sorted({one.source for one in crystals}))
    members = [(one.name, one.geometry) for one in crystals]
    return NewSet(name, members, _FACTS, citation, in_hull=in_hull, for_novelty=True)
