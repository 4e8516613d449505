"""How energies above hull agree with those of another method."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import func, select

from lamcore_crystal.stability import STABLE_WITHIN
from lamcore_crystal.store.schema import crystal, hull, result

if TYPE_CHECKING:
    from sqlalchemy import Connection

_FORMULAS_PER_QUERY = 500


@dataclass(frozen=True)
class Comparison:
    """Two energies above hull for each of some formulas or crystals.

    Attributes:
        reference: What is compared with, for people.
        what: What a point is, in the plural.
        how: How pairs were made.
        names: Formulas, shape (n,).
        references: eV/atom, shape (n,).
        predictions: eV/atom, shape (n,), of the challenge.
        crystal_ids: Where a point is one crystal, shape (n,).
    """

    reference: str
    what: str
    how: str
    names: Sequence[str]
    references: Sequence[float]
    predictions: Sequence[float]
    crystal_ids: Sequence[int] | None = None

    @property
    def n(self) -> int:
        """Pairs."""
        return len(self.names)

    @property
    def agreement(self) -> Agreement:
        """Figures of all pairs.

        Raises:
            ValueError: There is no pair.
        """
        if not self.n:
            raise ValueError(f"nothing to compare with {self.reference}: no pair")
        errors = np.array(self.predictions) - np.array(self.references)
        predicted = np.array(self.predictions) <= STABLE_WITHIN
        referred = np.array(self.references) <= STABLE_WITHIN
        return Agreement(
            n=self.n,
            mae=float(np.abs(errors).mean()),
            mean_error=float(errors.mean()),
            median_absolute_error=float(np.median(np.abs(errors))),
            both_stable=int((predicted & referred).sum()),
            only_predicted_stable=int((predicted & ~referred).sum()),
            only_reference_stable=int((~predicted & referred).sum()),
            neither_stable=int((~predicted & ~referred).sum()),
        )


@dataclass(frozen=True)
class Agreement:
    """How close pairs are; error = prediction − reference, eV/atom.

    Attributes:
        n: Pairs.
        mae: Mean absolute error, eV/atom.
        mean_error: Mean error, eV/atom.
        median_absolute_error: Median of the absolute errors, eV/atom.
        both_stable: Pairs at or below `STABLE_WITHIN` on both sides.
        only_predicted_stable: In the challenge alone.
        only_reference_stable: In the reference alone.
        neither_stable: On neither side.
    """

    n: int
    mae: float
    mean_error: float
    median_absolute_error: float
    both_stable: int
    only_predicted_stable: int
    only_reference_stable: int
    neither_stable: int

    @property
    def share_agreeing(self) -> float:
        """Share of pairs that are stable on both sides or on neither."""
        return (self.both_stable + self.neither_stable) / self.n


def with_reference_file(connection: Connection, reference: Mapping[str, float], name: str) -> Comparison:
    """Pairs by reduced formula: the lowest crystal of each against the lowest entry of the file.

    Args:
        connection: Of the database.
        reference: eV/atom by reduced formula, alphabetical.
        name: Of the reference, for people.
    """
    lowest: dict[str, float] = {}
    for some in _batches(sorted(reference), _FORMULAS_PER_QUERY):
        query = (
            select(crystal.c.formula, func.min(crystal.c.energy_above_hull))
            .where(crystal.c.formula.in_(some), crystal.c.energy_above_hull.is_not(None))
            .group_by(crystal.c.formula)
        )
        lowest.update({formula: energy for formula, energy in connection.execute(query)})
    names = sorted(lowest)
    return Comparison(
        reference=name,
        what="formulas",
        how="Pairs by reduced formula; of a formula the lowest crystal and the lowest entry of the reference, which "
        f"need not be the same polymorph. {len(names)} of the {len(reference)} formulas of the reference occur.",
        names=names,
        references=[reference[formula] for formula in names],
        predictions=[lowest[formula] for formula in names],
    )


def with_external_hull(connection: Connection, at_most: int | None = None) -> Comparison | None:
    """Pairs by crystal: its distance from the round's hull against that from the newest external hull.

    Args:
        connection: Of the database.
        at_most: Crystals, the newest ones; None for all.

    Returns:
        None where no crystal is scored against an external hull.
    """
    external = connection.execute(
        select(hull.c.id, hull.c.name).where(hull.c.kind == "external").order_by(hull.c.id.desc())
    ).first()
    if external is None:
        return None
    # One result a crystal: several scores against one hull share its distance.
    distances = (
        select(func.min(result.c.energy_above_hull))
        .where(result.c.structure_id == crystal.c.id, result.c.hull_id == external.id)
        .correlate(crystal)
        .scalar_subquery()
    )
    newest = (
        select(crystal.c.id, crystal.c.formula, crystal.c.energy_above_hull, distances.label("external"))
        .where(crystal.c.energy_above_hull.is_not(None))
        .order_by(crystal.c.id.desc())
        .limit(at_most)
        .subquery()
    )
    rows = connection.execute(select(newest).where(newest.c.external.is_not(None)).order_by(newest.c.id)).all()
    if not rows:
        return None
    which = "Every crystal" if at_most is None else f"Each of the newest {at_most} crystals"
    return Comparison(
        reference=external.name,
        what="crystals",
        how=f"{which} with a distance from both hulls: that of the round, and the external one.",
        names=[row.formula for row in rows],
        references=[row.external for row in rows],
        predictions=[row.energy_above_hull for row in rows],
        crystal_ids=[row.id for row in rows],
    )


def _batches(values: Sequence[str], size: int) -> Iterator[list[str]]:
    remaining = iter(values)
    while some := list(islice(remaining, size)):
        yield some
