"""A small database as a challenge leaves it: accepted, refused, failed and waiting, with made-up energies."""

from __future__ import annotations

import hashlib
import io
import itertools

import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.formula import Formula
from ase.io import write
from ase.spacegroup import crystal as from_space_group
from lamcore_crystal.findings import Finding
from lamcore_crystal.geometry import Geometry
from lamcore_crystal.rounds import MatchingRules, RoundSettings, sha256_of_json
from lamcore_crystal.store import schema
from lamcore_crystal.store.content import add_contents
from lamcore_crystal.store.database import Database
from lamcore_crystal.store.patterns import CRYSTAL_SYSTEMS
from lamcore_crystal.store.writing import (
    add_crystals,
    add_event,
    add_model,
    add_structures,
    add_submission,
    finish_structure,
    insert_many,
    now,
)
from lamcore_crystal.symmetry import describe as describe_crystal
from sqlalchemy import insert, update

REFUSED = {
    "empty.cif": (b"", "E_EMPTY", "the file is empty"),
    "half<b>bold</b>.cif": (b"data_x\n_cell_length_a", "E_THEIRS", "no cell: <script>alert(1)</script>"),
    "mixed.cif": (b"data_mixed\n# Fe 0.5 Ni 0.5\n", "E_DISORDER", "site Fe1 holds 0.5 Fe and 0.5 Ni"),
}

ENVIRONMENT = {"versions": {"lamcore": "0.1.0"}, "python": "3.11.0", "machine": {"cores": 2}}


def fill(database: Database, n: int = 60, seed: int = 0) -> None:
    """Fill an empty database with about `n` crystals, in five submissions of three sources.

    The first two submissions are evaluated (with refused and failed structures), the third is rejected by the gate, the
    fourth is checked and the fifth is only received.
    """
    rng = np.random.default_rng(seed)
    settings = RoundSettings()
    with database.write() as connection:
        connection.execute(
            insert(schema.challenge).values(
                name="Filled for tests",
                created_at=now(),
                read_access="open",
                licence="CC-BY-4.0",
                model_overrides=["model=lennard-jones"],
            )
        )
        weights = hashlib.sha256(b"weights").hexdigest()
        identity = {"name": "lennard-jones", "plugin": "lamcore", "version": "0.1.0", "weights_sha256": weights}
        model_id = add_model(connection, "lennard-jones", identity)
        row = {"sha256": sha256_of_json(ENVIRONMENT), "content": ENVIRONMENT}
        connection.execute(insert(schema.environment).values(row))
        hull_id = _add_hull(connection, model_id, settings)
        [round_id] = insert_many(
            connection,
            schema.round_,
            [
                {
                    **{"number": 1, "name": "first", "opened_at": now(), "settings": settings.as_json()},
                    **{"settings_sha256": settings.sha256(), "secret": "5e" * 32},
                    **{"model_id": model_id, "hull_id": hull_id},
                }
            ],
        )
        plan = [("my-generator", "evaluated", 0.45), ("other-generator", "evaluated", 0.45), ("noise", "rejected", 0.0)]
        plan += [("my-generator", "checked", 0.1), ("other-generator", "received", 0.0)]
        crystals = list(itertools.islice(_crystals(rng), n))
        seen: dict[str, int] = {}
        for number, (source, status, share) in enumerate(plan):
            take = crystals[: round(share * n)] if status != "rejected" else []
            crystals = crystals[len(take) :]
            _add_submission(
                connection, number, source, status, take, rng, (round_id, model_id, hull_id), seen, settings
            )


def _add_hull(connection, model_id, settings):
    symbols = sorted(
        {symbol for atoms in itertools.islice(_crystals(np.random.default_rng(0)), 200) for symbol in atoms.symbols}
    )
    row = {
        **{"kind": "references", "name": "elements", "model_id": model_id, "settings_sha256": settings.sha256()},
        **{"sha256": sha256_of_json(symbols), "created_at": now(), "n_entries": len(symbols)},
    }
    [hull_id] = insert_many(connection, schema.hull, [row])
    entries = [
        {
            **{"hull_id": hull_id, "position": i, "formula": symbol, "chemical_system": symbol, "is_stable": True},
            **{"energy_per_atom": -1.0 - 0.01 * i, "origin": f"reference:elements/{symbol}"},
        }
        for i, symbol in enumerate(symbols)
    ]
    connection.execute(insert(schema.hull_entry), entries)
    return hull_id


def _add_submission(connection, number, source, status, crystals, rng, ids, seen, settings):
    round_id, model_id, hull_id = ids
    files = [(f"folder/{i:03d}.cif", _cif(atoms)) for i, atoms in enumerate(crystals)]
    files += [(name, data) for name, (data, _, _) in REFUSED.items()]
    submission_id, _ = add_submission(
        connection,
        round_id=round_id,
        source=source,
        submitter="A. Tester",
        licence="CC-BY-4.0",
        split_blocks=False,
        sha256=sha256_of_json([number, len(files)]),
        n_files=len(files),
    )
    hashes = add_contents(connection, [data for _, data in files])
    file_ids = insert_many(
        connection,
        schema.submitted_file,
        [
            {
                **{"submission_id": submission_id, "position": position, "name": name, "size": len(data)},
                **{"content_sha256": sha256, "refusal": None, "is_read": False},
            }
            for position, ((name, data), sha256) in enumerate(zip(files, hashes, strict=True))
        ],
    )
    if status == "received":
        return
    connection.execute(
        update(schema.submitted_file).where(schema.submitted_file.c.id.in_(file_ids)).values(is_read=True)
    )
    _add_refused(connection, submission_id, file_ids[len(crystals) :])
    described = [describe(Geometry.of(atoms)) for atoms in crystals]
    structures = [
        {
            **{"submission_id": submission_id, "file_id": file_id, "block": 0, "block_name": f"b{i}", "labels": {}},
            **{"status": "checked", "code": None, "findings": [], "sample_position": i if i < 20 else None},
            **{"geometry": Geometry.of(atoms).pack(), "geometry_sha256": Geometry.of(atoms).sha256()},
            **{name: one[name] for name in ("identity_sha256", "formula", "chemical_system", "n_sites")},
        }
        for i, (atoms, one, file_id) in enumerate(zip(crystals, described, file_ids, strict=False))
    ]
    structure_ids = add_structures(connection, structures)
    gate = {"n_planned": 20, "n_drawn": 20, "n_passed": 18, "share": 0.9, "low": 0.7, "high": 0.97, "threshold": 0.3}
    if status == "rejected":
        gate = {**gate, "n_passed": 1, "share": 0.05, "low": 0.01, "high": 0.24}
    gate |= {"decision": {"evaluated": "pass", "rejected": "fail"}.get(status, "undecided"), "confidence": 0.95}
    values = {"status": status, "gate": None if status == "checked" else gate, "finished_at": now()}
    connection.execute(update(schema.submission).where(schema.submission.c.id == submission_id).values(values))
    add_event(connection, status, {"gate": gate}, submission_id)
    if status != "evaluated":
        return
    rows = []
    for i, (structure_id, one, atoms) in enumerate(zip(structure_ids, described, crystals, strict=True)):
        if i % 15 == 14:
            _add_failed(connection, structure_id, Geometry.of(atoms), model_id, settings)
            continue
        relaxed = Geometry.of(atoms)
        relaxed = Geometry(relaxed.cell * 1.01, relaxed.fractional, relaxed.numbers)
        formation = float(rng.normal(-0.3, 0.4)) if len(one["chemical_system"].split("-")) > 1 else 0.02
        above = float(rng.choice([-0.03, 0.0, rng.exponential(0.1), rng.exponential(0.3)]))
        relaxation_id = _add_relaxation(connection, Geometry.of(atoms), relaxed, model_id, settings, formation)
        parts = sorted(Formula(one["formula"]).count().items())
        decomposition = [[symbol, count / sum(n for _, n in parts), j] for j, (symbol, count) in enumerate(parts)]
        scores = {"score": above, "formation_energy_per_atom": formation, "energy_above_hull": above}
        connection.execute(
            insert(schema.result).values(
                structure_id=structure_id,
                hull_id=hull_id,
                score_name=settings.score,
                relaxation_id=relaxation_id,
                decomposition=decomposition,
                **scores,
            )
        )
        finish_structure(connection, structure_id, "passed", [])
        is_novel = bool(rng.integers(4))
        name, data = files[i]
        rows.append(
            {
                **one,
                **scores,
                "id": structure_id,
                "submission_id": submission_id,
                "source": source,
                "name": name,
                "licence": "CC-BY-4.0",
                "energy_per_atom": formation - 1.0,
                "hull_id": hull_id,
                "model_id": model_id,
                "relaxation_id": relaxation_id,
                "duplicate_in_submission": None,
                "duplicate_in_database": seen.get(one["key_loose"]),
                "is_novel": is_novel,
                "novelty": {"known": None if is_novel else f"known-{i}"},
                "labels": {"smact": bool(i % 2)},
                "warnings": [],
                "geometry": relaxed.pack(),
                "content_sha256": hashlib.sha256(data).hexdigest(),
                "added_at": now(),
            }
        )
        seen.setdefault(one["key_loose"], structure_id)
    add_crystals(connection, rows)


def _add_refused(connection, submission_id, file_ids):
    rows = [
        {
            **{"submission_id": submission_id, "file_id": file_id, "block": 0, "block_name": "", "status": "refused"},
            **{"code": code, "findings": [Finding(code, "error", message).as_json()], "labels": {}},
        }
        for file_id, (_, code, message) in zip(file_ids, REFUSED.values(), strict=True)
    ]
    add_structures(connection, rows)


def _relaxation(start, model_id, settings):
    return {
        **{
            "geometry_sha256": start.sha256(),
            "model_id": model_id,
            "settings_sha256": sha256_of_json(settings.as_json()["relaxation"]),
        },
        **{"n_steps": 12, "seconds": 0.5, "attempt": 1, "finished_at": now()},
        "provenance": {"device": "cpu", "dtype": "float64", "threads": 1, "environment": sha256_of_json(ENVIRONMENT)},
    }


def _add_relaxation(connection, start, end, model_id, settings, formation):
    row = {
        **_relaxation(start, model_id, settings),
        **{"status": "done", "geometry": end.pack(), "energy": (formation - 1.0) * len(end), "volume_ratio": 1.01**3},
        **{"max_force": 0.001, "residual": 0.01, "max_stress_gpa": 0.05},
    }
    return insert_many(connection, schema.relaxation, [row])[0]


def _add_failed(connection, structure_id, start, model_id, settings):
    message = "the largest force is 0.31 eV/Å after 500 steps; expected below 0.02"
    row = {**_relaxation(start, model_id, settings), "status": "failed", "code": "E_UNCONVERGED", "message": message}
    insert_many(connection, schema.relaxation, [row])
    finish_structure(connection, structure_id, "failed", [Finding("E_UNCONVERGED", "error", message)])


def describe(geometry):
    """Columns of `crystal` that follow from the geometry."""
    found, _ = describe_crystal(geometry, MatchingRules())
    names = ("formula", "formula_pretty", "formula_anonymous", "chemical_system", "n_sites", "volume_per_atom")
    loose = found.loose
    return {
        **{name: getattr(found, name) for name in (*names, "density_g_cm3", "identity_sha256")},
        **{
            name: getattr(loose, name) for name in ("space_group", "pearson", "wyckoff", "wyckoff_letters", "prototype")
        },
        **{"n_elements": len(found.elements), "space_group_symbol": loose.symbol},
        **{"crystal_system": crystal_system(loose.space_group), "key_loose": loose.key, "key_tight": found.tight.key},
    }


def crystal_system(number):
    """Of an international number."""
    return next(name for name, (first, last) in CRYSTAL_SYSTEMS.items() if first <= number <= last)


def _cif(atoms):
    buffer = io.BytesIO()
    write(buffer, atoms, format="cif")
    return buffer.getvalue()


def _place(symbols, positions, number, *cell):
    return from_space_group(symbols, positions, spacegroup=number, cellpar=list(cell))


def _crystals(rng):
    """Without end: prototypes with elements and lattice parameters drawn, and now and then the last one once more."""

    def pick(*names):
        return str(rng.choice(names))

    def metal():
        return pick("Al", "Cu", "Ag", "Ni", "Fe", "Ti", "Mg", "Zn")

    def halide():
        return pick("F", "Cl", "Br")

    def earth():
        return pick("Ca", "Sr", "Ba")

    square, hexagon = (90, 90, 90), (90, 90, 120)
    olivine = [(0, 0, 0), (0.282, 0.25, 0.975), (0.095, 0.25, 0.418)]
    olivine += [(0.097, 0.25, 0.743), (0.457, 0.25, 0.206), (0.166, 0.047, 0.285)]
    quartz, corundum = [(0.47, 0, 0), (0.414, 0.267, 0.119)], [(0, 0, 0.352), (0.306, 0, 0.25)]
    perovskite, rutile = [(0, 0, 0), (0.5, 0.5, 0.5), (0.5, 0.5, 0)], [(0, 0, 0), (0.305, 0.305, 0)]
    makers = [
        lambda a: bulk(metal(), "fcc", a=a, cubic=True),
        lambda a: bulk(pick("Li", "Na", "K", "Cs") + halide(), "rocksalt", a=a + 1, cubic=True),
        lambda a: bulk("Zn" + pick("O", "S", "Se"), "zincblende", a=a + 1),
        lambda a: bulk("Zn" + pick("O", "S", "Se"), "wurtzite", a=a, c=1.63 * a),
        lambda a: bulk(metal(), "bcc", a=a - 1),
        lambda a: bulk(metal(), "hcp", a=a - 1, c=1.6 * (a - 1)),
        lambda a: bulk("Cs" + halide(), "cesiumchloride", a=a),
        lambda a: bulk(earth() + "F2", "fluorite", a=a + 1.5),
        lambda a: _place([earth(), "Ti", "O"], perovskite, 221, a, a, a, *square),
        lambda a: _place([pick("Ti", "Sn", "Mn"), "O"], rutile, 136, a, a, 0.65 * a, *square),
        lambda a: _place(["Fe", pick("S", "Se")], [(0, 0, 0), (0.385, 0.385, 0.385)], 205, a, a, a, *square),
        lambda a: _place(["Al", "O"], corundum, 167, a, a, 2.73 * a, *hexagon),
        lambda a: _place(["Si", "O"], quartz, 152, a + 0.4, a + 0.4, 1.1 * (a + 0.4), *hexagon),
        lambda a: _place(["Li", "Fe", "P", "O", "O", "O"], olivine, 62, 2.3 * a, 1.33 * a, a + 0.2, *square),
        lambda a: Atoms(
            pick("BN", "NaCl"),
            cell=[[a, 0, 0], [0.3, a + 0.2, 0], [0.2, 0.4, a + 0.5]],
            scaled_positions=[(0, 0, 0), (0.45, 0.52, 0.47)],
            pbc=True,
        ),
    ]
    last = None
    for i in itertools.count():
        if i % 12 == 11:
            atoms = last.copy()
            atoms.set_cell(atoms.cell.array * 1.0001, scale_atoms=True)
            yield atoms
            continue
        last = makers[i % len(makers)](float(rng.uniform(4.0, 4.8)))
        yield last
