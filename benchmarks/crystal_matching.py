"""Time and agreement of duplicate search in crystals, beside pymatgen's StructureMatcher.group_structures.

    python benchmarks/crystal_matching.py [--copies 3] [--seed 0] [--table STRUCTURES.csv.gz]

Without a table the crystals are prototypes in many compositions, each with copies that are rotated, shifted, reordered,
made into supercells and shaken by 0.01 Å. A table is a CSV file (gzip or not) with a column `cif`, and perhaps
`energy_per_atom` in eV.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import time
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.spacegroup import crystal
from lamcore_crystal.geometry import Geometry
from lamcore_crystal.matching import Candidate, DuplicateFinder
from lamcore_crystal.rounds import MatchingRules
from lamcore_crystal.symmetry import describe
from scipy.spatial.transform import Rotation

RULES = MatchingRules()


def prototypes() -> list[Atoms]:
    """Distinct crystals, several of them of one formula."""
    made = []
    for metal in ("Li", "Na", "K", "Mg", "Ca", "Sr"):
        for other in ("F", "Cl", "O", "S"):
            made += [bulk(metal + other, kind, a) for kind, a in (("rocksalt", 5.2), ("zincblende", 5.6))]
            made.append(bulk(metal + other, "cesiumchloride", 3.2))
            made.append(bulk(metal + other, "wurtzite", 4.0, 6.5))
    for a, b in (("Ca", "Ti"), ("Sr", "Zr"), ("Ba", "Hf")):
        places = [(0, 0, 0), (0.5, 0.5, 0.5), (0.5, 0.5, 0)]
        made.append(crystal([a, b, "O"], places, spacegroup=221, cellpar=[4.0, 4.0, 4.0, 90, 90, 90]))
        places = [(0.99, 0.05, 0.25), (0, 0.5, 0), (0.08, 0.48, 0.25), (0.71, 0.29, 0.04)]
        made.append(crystal([a, b, "O", "O"], places, spacegroup=62, cellpar=[5.4, 5.6, 7.8, 90, 90, 90]))
    return made


def disguised(atoms: Atoms, random: np.random.Generator) -> Atoms:
    """The same crystal, written down in another way and shaken by 0.01 Å."""
    copy = atoms * tuple(int(n) for n in random.permutation((1, 1, 2)))
    copy.set_cell(copy.cell @ Rotation.random(random_state=random).as_matrix(), scale_atoms=True)
    copy.positions += random.normal(scale=0.01 / np.sqrt(3), size=copy.positions.shape) + random.uniform(0, 5, 3)
    copy = copy[random.permutation(len(copy))]
    copy.wrap()
    return copy


def read(table: Path) -> tuple[list[Geometry], list[float | None]]:
    """Geometries, and energies where the table has them."""
    from pymatgen.io.cif import CifParser

    opener = gzip.open if table.suffix == ".gz" else open
    with opener(table, "rt", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    structures = [CifParser.from_str(row["cif"]).parse_structures(primitive=False)[0] for row in rows]
    geometries = [Geometry(s.lattice.matrix, s.frac_coords, np.array(s.atomic_numbers)) for s in structures]
    return geometries, [float(row["energy_per_atom"]) if row.get("energy_per_atom") else None for row in rows]


def main() -> None:
    """Print times and how the two groupings differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--copies", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--table", type=Path)
    settings = parser.parse_args()
    if settings.table is None:
        random = np.random.default_rng(settings.seed)
        originals = prototypes()
        everything = originals + [disguised(atoms, random) for atoms in originals for _ in range(settings.copies)]
        geometries = [Geometry.of(atoms) for atoms in everything]
        energies: list[float | None] = [None] * len(everything)
        print(f"{len(originals)} crystals, {len(everything)} with their copies")
    else:
        geometries, energies = read(settings.table)
        print(f"{len(geometries)} crystals of {settings.table.name}")

    start = time.perf_counter()
    described = [describe(geometry, RULES)[0] for geometry in geometries]
    print(f"described in {1e3 * (time.perf_counter() - start) / len(geometries):.2f} ms each")

    names = ["with energies, filtered"] if any(energy is not None for energy in energies) else []
    firsts = {}
    for name, known in [*((one, energies) for one in names), ("without energies, filtered", [None] * len(energies))]:
        candidates = [
            Candidate.of(place, geometry, description, energy)
            for place, (geometry, description, energy) in enumerate(zip(geometries, described, known, strict=True))
        ]
        finder: DuplicateFinder[int] = DuplicateFinder(RULES)
        start = time.perf_counter()
        found = finder.find(candidates)
        seconds = time.perf_counter() - start
        firsts[name] = {one.id for one in found if one.is_unique}
        print(f"{name}: {len(firsts[name])} distinct, {seconds:.2f} s, {finder.n_compared} pairs compared")

    from pymatgen.analysis.structure_matcher import StructureMatcher

    matcher = StructureMatcher(ltol=RULES.ltol, stol=RULES.stol, angle_tol=RULES.angle_tol_deg)
    structures = [geometry.structure() for geometry in geometries]
    for place, structure in enumerate(structures):
        structure.properties["place"] = place
    start = time.perf_counter()
    groups = matcher.group_structures(structures)
    seconds = time.perf_counter() - start
    plain = {min(one.properties["place"] for one in group) for group in groups}
    print(f"StructureMatcher.group_structures: {len(groups)} groups, {seconds:.2f} s")
    for name, ours in firsts.items():
        print(f"{name}: distinct for us alone {len(ours - plain)}, for pymatgen alone {len(plain - ours)}")


if __name__ == "__main__":
    main()
