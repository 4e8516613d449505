"""A filled challenge for the page: HTML where names are foreign, and a hull with compounds of Li, Fe and O."""

from __future__ import annotations

from pathlib import Path

from ase.formula import Formula
from lamcore_crystal.challenge import Challenge
from lamcore_crystal.store import schema
from serving import filled_challenge
from sqlalchemy import insert, select, update

HOSTILE = "<img src=x onerror=\"document.title='owned'\"><b>bold</b>"

# Formation energies by hand, eV/atom. On the hull beside the elements: Li2O, LiO (as Li2O2), Fe2O3 and FeLiO2.
COMPOUNDS = {"Li2O": -2.0, "LiO": -1.6, "LiO2": -0.7, "Fe2O3": -1.7, "FeLiO2": -1.95, "FeO": -1.2, "FeLi": 0.1}


def page_challenge(folder: Path, n: int = 120) -> Challenge:
    """The first crystal, and the second submission with all of its, have HTML for names."""
    challenge = filled_challenge(folder, n)
    with challenge.database.write() as connection:
        first = connection.execute(select(schema.crystal.c.id).order_by(schema.crystal.c.id).limit(1)).scalar_one()
        named = update(schema.crystal).where(schema.crystal.c.id == first)
        connection.execute(named.values(source=HOSTILE, name=HOSTILE))
        connection.execute(update(schema.submission).where(schema.submission.c.id == 2).values(source=HOSTILE))
        connection.execute(update(schema.crystal).where(schema.crystal.c.submission_id == 2).values(source=HOSTILE))
        connection.execute(update(schema.submission).where(schema.submission.c.id == 1).values(submitter=""))
        identity = {"name": "lennard-jones", "weights": [{"file": "weights.pth", "sha256": "0" * 64}]}
        connection.execute(update(schema.model).values(identity=identity))
        counted = (schema.statistic.c.name == "source") & (schema.statistic.c.key == "other-generator")
        connection.execute(update(schema.statistic).where(counted).values(key=HOSTILE))
        elements = select(schema.hull_entry).where(schema.hull_entry.c.hull_id == 1)
        energies = {row.formula: row.energy_per_atom for row in connection.execute(elements)}
        for i, (formula, formation) in enumerate(COMPOUNDS.items()):
            counts = Formula(formula).count()
            total = formation + sum(n * energies[one] for one, n in counts.items()) / sum(counts.values())
            row = {"hull_id": 1, "position": 1000 + i, "formula": formula, "energy_per_atom": total}
            row |= {"chemical_system": "-".join(sorted(counts)), "origin": f"reference:{HOSTILE}", "is_stable": True}
            connection.execute(insert(schema.hull_entry).values(row))
    return challenge
