"""How fast crystals are written and searched: a million synthetic rows, projected to twenty million.

    python benchmarks/crystal_store.py [--rows 1000000] [--folder /tmp]

Composition, symmetry and distances are drawn with frequencies like those of real databases; cells hold 13 atoms on
average, at random, so that geometries compress as little as they can. Every filter alone, and usual combinations, each
in several orders, on the first page and on deep ones. The aim is a 95th percentile below 50 ms for each.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import hashlib
import math
import tempfile
import time
from pathlib import Path

import numpy as np
from ase.data import chemical_symbols
from lamcore_crystal.geometry import Geometry
from lamcore_crystal.rounds import RoundSettings
from lamcore_crystal.store import schema
from lamcore_crystal.store.database import Database
from lamcore_crystal.store.query import CrystalQuery
from lamcore_crystal.store.search import search
from lamcore_crystal.store.writing import (
    add_crystals,
    add_files,
    add_model,
    add_submission,
    insert_many,
)
from lamcore_crystal.symmetry import Orbit, canonical_letters, canonical_occupation, letters_of
from sqlalchemy import insert

PROJECTED = 20_000_000
CHUNK = 5_000
SYSTEMS = [
    *(("triclinic", 1, 2, 0.10), ("monoclinic", 3, 15, 0.22), ("orthorhombic", 16, 74, 0.20)),
    *(("tetragonal", 75, 142, 0.14), ("trigonal", 143, 167, 0.11), ("hexagonal", 168, 194, 0.09)),
    ("cubic", 195, 230, 0.14),
]


class Generator:
    """Rows of `crystal`, with made-up prototypes whose popularity falls as 1/rank."""

    def __init__(self, seed=0, n_prototypes=3000):
        self.rng = rng = np.random.default_rng(seed)
        symbols = [s for s in chemical_symbols[1:95] if s not in ("Po", "At", "Rn", "Fr", "Ra")]
        rng.shuffle(symbols)
        symbols.remove("O")
        self.symbols = np.array(["O", *symbols])
        weights = 1 / (np.arange(len(self.symbols)) + 4) ** 0.8
        self.weights = weights / weights.sum()
        self.prototypes = [self._prototype() for _ in range(n_prototypes)]
        popularity = 1 / (np.arange(n_prototypes) + 1)
        self.popularity = popularity / popularity.sum()

    def _prototype(self):
        rng = self.rng
        n_elements = int(rng.choice([1, 2, 3, 4, 5, 6], p=[0.01, 0.2, 0.45, 0.25, 0.07, 0.02]))
        name, low, high, _ = SYSTEMS[rng.choice(len(SYSTEMS), p=[one[3] for one in SYSTEMS])]
        group = int(rng.integers(low, high + 1))
        amounts = sorted((int(n) for n in rng.integers(1, 7, n_elements)), reverse=True)
        amounts = [n // math.gcd(*amounts) for n in amounts]
        n_orbits = max(n_elements, int(rng.integers(1, 6)))
        letters = canonical_letters(
            group, tuple(sorted(str(one) for one in rng.choice(list(letters_of(group)[:8]), n_orbits)))
        )
        anonymous = "".join(f"{'ABCDEF'[i]}{n if n > 1 else ''}" for i, n in enumerate(amounts))
        return name, group, amounts, letters, anonymous, sum(amounts) * int(rng.choice([1, 1, 2]))

    def rows(self, first_id, n):
        """Of `n` crystals, numbered from the first id on."""
        rng = self.rng
        chosen = rng.choice(len(self.prototypes), n, p=self.popularity)
        distances = rng.exponential(0.12, n) - 0.01
        formations = rng.normal(-0.6, 0.7, n)
        for i in range(n):
            row_id = first_id + i
            system, group, amounts, letters, anonymous, n_sites = self.prototypes[chosen[i]]
            elements = [str(s) for s in rng.choice(self.symbols, len(amounts), replace=False, p=self.weights)]
            reduced = dict(sorted(zip(elements, amounts, strict=True)))
            formula = "".join(f"{s}{k if k > 1 else ''}" for s, k in reduced.items())
            orbits = tuple(Orbit(letter, elements[j % len(elements)]) for j, letter in enumerate(letters))
            occupation = " ".join(f"{one.letter} {one.element}" for one in canonical_occupation(group, orbits))
            renamed = " ".join(f"{letter} {'ABCDEF'[j % len(elements)]}" for j, letter in enumerate(letters))
            numbers = np.resize(np.array([chemical_symbols.index(s) for s in elements]), n_sites)
            cell = np.diag(rng.uniform(3, 9, 3)) + rng.normal(0, 0.2, (3, 3))
            content = hashlib.sha256(str(row_id).encode()).hexdigest()
            source = f"generator-{int(row_id % 97 // 10)}"
            yield {
                **{"id": row_id, "submission_id": 1, "source": source, "name": f"set/{row_id:08d}.cif"},
                **{"licence": "CC-BY-4.0", "formula": formula, "formula_pretty": formula},
                **{"formula_anonymous": anonymous, "chemical_system": "-".join(reduced), "n_elements": len(reduced)},
                **{"n_sites": n_sites, "volume_per_atom": 15.0 + distances[i], "density_g_cm3": 5.0 + distances[i]},
                **{"space_group": group, "space_group_symbol": "P4/mmm", "crystal_system": system, "pearson": "tP13"},
                **{"wyckoff": f"{group}: {occupation}", "wyckoff_letters": " ".join(letters)},
                **{"prototype": f"{anonymous} {group}: {renamed}", "identity_sha256": content},
                **{"key_loose": f"{formula} {group}: {occupation}", "key_tight": f"{formula} {group}: {occupation}"},
                **{"energy_per_atom": formations[i] - 4, "formation_energy_per_atom": float(formations[i])},
                **{"energy_above_hull": float(distances[i]), "score": float(distances[i]), "hull_id": 1, "model_id": 1},
                **{"relaxation_id": row_id, "duplicate_in_submission": None, "labels": {"smact": bool(i % 2)}},
                **{"duplicate_in_database": None if rng.random() < 0.7 else 1, "novelty": {"known": None}},
                **{"is_novel": bool(rng.random() < 0.8), "warnings": [], "content_sha256": content},
                "geometry": Geometry(cell, rng.random((n_sites, 3)), numbers).pack(),
                "added_at": "2026-01-01T00:00:00.000Z",
            }


def prepare(database, n):
    """A round, and as many bare structures as there will be crystals, since each crystal refers to one."""
    settings = RoundSettings()
    with database.write() as connection:
        model_id = add_model(connection, "synthetic", {"name": "synthetic"})
        row = {
            "number": 1,
            "name": "first",
            "opened_at": "",
            "settings": settings.as_json(),
            "secret": "",
            "hull_id": None,
        }
        row |= {"settings_sha256": settings.sha256(), "model_id": model_id}
        [round_id] = insert_many(connection, schema.round_, [row])
        submission_id, _ = add_submission(
            connection,
            round_id=round_id,
            source="s",
            submitter="s",
            licence="CC-BY-4.0",
            split_blocks=True,
            sha256="0" * 64,
            n_files=1,
        )
        [file_id] = add_files(connection, submission_id, [("all.cif", 1, b"x", None)])
        for start in range(0, n, 50_000):
            rows = [
                {
                    **{"submission_id": submission_id, "file_id": file_id, "block": block, "block_name": ""},
                    **{"status": "passed", "findings": [], "labels": {}},
                }
                for block in range(start, min(n, start + 50_000))
            ]
            connection.execute(insert(schema.structure), rows)


def write_rows(database, generator, n):
    """Seconds spent in the database alone."""
    spent = 0.0
    for start in range(0, n, CHUNK):
        rows = list(generator.rows(1 + start, min(CHUNK, n - start)))
        begin = time.perf_counter()
        with database.write() as connection:
            add_crystals(connection, rows)
        spent += time.perf_counter() - begin
        if start % 100_000 == 0:
            print(f"  {start + len(rows):>9,} rows, {spent:6.1f} s", flush=True)
    return spent


def questions(samples, rng):
    """By name, how to draw the conditions of a query from rows that exist."""

    def row():
        return samples[int(rng.integers(len(samples)))]

    def elements(one, n):
        return tuple(one["chemical_system"].split("-")[:n])

    hull, formation = {"sort": "energy_above_hull"}, {"sort": "formation_energy_per_atom"}
    one_of = {
        "everything": lambda: {},
        "one element": lambda: {"elements": elements(row(), 1)},
        "two elements": lambda: {"elements": elements(row(), 2)},
        "three elements": lambda: {"elements": elements(row(), 3)},
        "four elements": lambda: {"elements": elements(row(), 4)},
        "any of three": lambda: {"any_of": tuple({row()["chemical_system"].split("-")[0] for _ in range(3)})},
        "rare element": lambda: {"elements": ("Ac",)},
        "two rare elements": lambda: {"elements": ("Ac", "Pa")},
        "without oxygen": lambda: {"exclude": ("O",)},
        "only of four": lambda: {"only": tuple({*elements(row(), 4), "O"})},
        "only of fifteen": lambda: {"only": tuple({"O", *(e for _ in range(6) for e in elements(row(), 3))})},
        "chemical system": lambda: {"chemical_system": row()["chemical_system"]},
        "formula": lambda: {"formula": row()["formula"]},
        "wildcard": lambda: {"formula": "*" + row()["formula"]},
        "wildcard O2": lambda: {"formula": "*O2"},
        "anonymous": lambda: {"formula_anonymous": row()["formula_anonymous"]},
        "space group": lambda: {"space_group": row()["space_group"]},
        "crystal system": lambda: {"crystal_system": row()["crystal_system"]},
        "wyckoff letters": lambda: {"wyckoff": row()["wyckoff_letters"]},
        "group and letters": lambda: {"wyckoff": "{space_group}: {wyckoff_letters}".format(**row())},
        "another group, letters": lambda: {"space_group": row()["space_group"], "wyckoff": row()["wyckoff_letters"]},
        "wyckoff with elements": lambda: {"wyckoff": row()["wyckoff"].split(": ")[1]},
        "prototype": lambda: {"prototype": row()["prototype"]},
        "source": lambda: {"source": row()["source"]},
        "submission": lambda: {"submission_id": 1},
        "stable": lambda: {"max_hull": 0.0},
        "hull window": lambda: {"min_hull": 0.3, "max_hull": 0.31},
        "formation window": lambda: {"min_formation": -3.2, "max_formation": -2.5},
        "large cells": lambda: {"min_sites": 80},
        "sites window": lambda: {"min_sites": 10, "max_sites": 12},
        "number of elements": lambda: {"n_elements": int(rng.integers(1, 7))},
        "unique": lambda: {"unique": True},
        "novel": lambda: {"novel": True},
        "oxides near the hull": lambda: {"elements": ("O",), "max_hull": 0.02},
        "ternaries of two, stable": lambda: {"elements": elements(row(), 2), "n_elements": 3, "max_hull": 0.0},
        "two elements near, unique, novel": lambda: {
            **{"elements": elements(row(), 2), "max_hull": 0.05, "unique": True, "novel": True}
        },
        "group, element, near": lambda: {
            **{"space_group": row()["space_group"], "elements": elements(row(), 1), "max_hull": 0.05}
        },
        "system, without O, near": lambda: {"crystal_system": "cubic", "exclude": ("O",), "max_hull": 0.01},
        "letters, element": lambda: {"wyckoff": row()["wyckoff_letters"], "elements": elements(row(), 1)},
        "source, two elements": lambda: {"source": row()["source"], "elements": elements(row(), 2)},
        "anonymous, group, near": lambda: {
            **{"formula_anonymous": row()["formula_anonymous"], "space_group": row()["space_group"], "max_hull": 0.1}
        },
        "nothing can match": lambda: {"elements": ("O",), "max_hull": -5.0},
    }
    for name, draw in one_of.items():
        for order in ({}, hull, formation):
            shown = f"{name}, by {order.get('sort', 'id')}"
            yield shown, (lambda draw=draw, order=order: {**draw(), **order})


def time_pages(database, repeats, seed=1):
    """Times of one page of 100 rows, s, by question: first pages and deep ones."""
    generator = Generator(seed=0)
    samples = list(generator.rows(1, 2000))
    rng = np.random.default_rng(seed)
    times = {}
    for name, draw in questions(samples, rng):
        times[name] = []
        for i in range(repeats):
            query = CrystalQuery(**draw())
            after = None
            with database.read() as connection:
                if i % 3 == 2:  # a page five thousand rows further on, or the last one
                    for _ in range(5):
                        following = search(connection, query, 1000, after).next
                        if following is None:
                            break
                        after = following
                begin = time.perf_counter()
                search(connection, query, 100, after)
                times[name].append(time.perf_counter() - begin)
    return times


def sizes(database):
    """Bytes of each table and index."""
    with database.read() as connection:
        found = connection.exec_driver_sql("SELECT name, sum(pgsize) FROM dbstat GROUP BY name ORDER BY 2 DESC")
        return {name: int(size) for name, size in found if size > 50_000}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=12)
    parser.add_argument("--folder", type=Path, default=None)
    parser.add_argument(
        "--keep", action="store_true", help="leave the database in the folder, and use one that is there"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as temporary:
        path = (arguments.folder if arguments.keep else Path(temporary)) / "crystal_store.db"
        if arguments.keep and path.exists():
            database = Database.open(path)
        else:
            database = Database.create(path)
            prepare(database, arguments.rows)
            before = path.stat().st_size
            seconds = write_rows(database, Generator(), arguments.rows)
            database.checkpoint()
            each = (path.stat().st_size - before) / arguments.rows
            print(f"\ninsertion: {arguments.rows / seconds:,.0f} rows/s with all indexes, elements and counts")
            print(f"size: {each:,.0f} bytes a structure (crystal, elements, indexes)")
            hours = PROJECTED * seconds / arguments.rows / 3600
            print(f"at {PROJECTED:,}: {hours:.1f} h, {PROJECTED * each / 1e9:.0f} GB")
        for name, size in sizes(database).items():
            print(f"  {name:<60} {size / arguments.rows:8.1f} bytes a structure")
        times = time_pages(database, arguments.repeats)
        everything = np.concatenate([np.array(one) for one in times.values()]) * 1000
        low, high = np.percentile(everything, [50, 95])
        print(
            f"\n{everything.size} pages of 100: p50 {low:.1f} ms, p95 {high:.1f} ms, largest {everything.max():.1f} ms"
        )
        for name, one in sorted(times.items(), key=lambda item: -np.percentile(item[1], 95)):
            p50, p95 = np.percentile(np.array(one) * 1000, [50, 95])
            print(f"  {name:<60} p50 {p50:7.1f}  p95 {p95:7.1f} ms{'  SLOW' if p95 > 50 else ''}")
        database.close()


if __name__ == "__main__":
    main()
