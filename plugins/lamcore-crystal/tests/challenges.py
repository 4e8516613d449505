"""Challenges with a fast model, and what is in them as plain values."""

from __future__ import annotations

from pathlib import Path

from ase.io import write
from lamcore_crystal.challenge import Challenge
from lamcore_crystal.references import element_set
from lamcore_crystal.stages.init import init
from lamcore_crystal.store.schema import crystal, relaxation, result, structure, submission
from sqlalchemy import select

MODEL = ("model=emt",)
# What two runs of the same may differ in.
_OF_THE_CLOCK = {"added_at", "finished_at", "received_at", "seconds", "provenance"}


def make_challenge(folder: Path, **options) -> None:
    """A challenge whose hull holds the elements alone."""
    init(folder, MODEL, sets=[element_set()], **options).close()


def write_cifs(folder: Path, named: dict) -> Path:
    """CIF files, by name, also in folders below."""
    for name, atoms in named.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(atoms, str):
            path.write_text(atoms)
        else:
            write(path, atoms, format="cif")
    return folder


def rows(folder: Path, table, *, order) -> list[dict]:
    """Rows of a table without what the clock says."""
    with Challenge.open(folder) as challenge, challenge.database.read() as connection:
        found = connection.execute(select(table).order_by(order)).mappings()
        return [{name: value for name, value in row.items() if name not in _OF_THE_CLOCK} for row in found]


def tables(folder: Path) -> dict[str, list[dict]]:
    """Everything that an evaluation makes."""
    return {
        "submission": rows(folder, submission, order=submission.c.id),
        "structure": rows(folder, structure, order=structure.c.id),
        "crystal": [{**row, "relaxation_id": None} for row in rows(folder, crystal, order=crystal.c.id)],
        "result": [{**row, "relaxation_id": None} for row in rows(folder, result, order=result.c.structure_id)],
        "relaxation": [{**row, "id": None} for row in rows(folder, relaxation, order=relaxation.c.geometry_sha256)],
    }
