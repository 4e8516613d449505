"""Energies above the hull: lamcore-crystal against pymatgen, on the same entries, side by side.

Run it: OMP_NUM_THREADS=1 python benchmarks/crystal_hull.py DATA [--systems 40] [--seed 0]

DATA is a folder with `mp_e_form_132752_with_ehull.csv.gz` (columns formula, e_form_per_atom, e_above_hull_recomputed:
Materials Project formation energies) and, for the comparison with published distances,
`mp_e_hull_published_compositions.csv.gz` (formula, e_above_hull). All entries are put into one hull, and each one's
distance is told; then some chemical systems with all of their sub-systems, the largest and random ones, go through
pymatgen's PhaseDiagram too. Times are CPU times of one process, memory is its highest resident size (Linux).
"""

from __future__ import annotations

import argparse
import csv
import gzip
import random
import re
import resource
import statistics
import time
from pathlib import Path

import numpy as np
from lamcore_crystal.hull.compositions import Compositions
from lamcore_crystal.hull.hull import Hull
from lamcore_crystal.hull.values import HullEntry


def amounts(formula):
    return {symbol: float(count or 1) for symbol, count in re.findall(r"([A-Z][a-z]?)([\d.]*)", formula)}


def read(path, energy):
    with gzip.open(path, "rt") as lines:
        return [(row["formula"], float(row[energy])) for row in csv.DictReader(lines)]


def peak_mib():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def whole(path):
    """All entries at once; gives the hull."""
    rows = read(path, "e_form_per_atom")
    known = np.array([value for _, value in read(path, "e_above_hull_recomputed")])
    symbols = sorted({symbol for formula, _ in rows for symbol in amounts(formula)})
    column = {symbol: index for index, symbol in enumerate(symbols)}
    table = np.zeros((len(rows), len(symbols)), dtype=np.float32)  # small whole numbers
    for row, (formula, _) in enumerate(rows):
        for symbol, amount in amounts(formula).items():
            table[row, column[symbol]] = amount
    before = peak_mib()
    start = time.process_time()
    compositions = Compositions.of_array(symbols, table)
    hull = Hull.of_arrays(compositions, [value for _, value in rows], energies="formation")
    packed = time.process_time()
    distances = hull.entry_distances
    done = time.process_time()
    print(f"entries                       {len(rows)}, {len(compositions.by_system())} chemical systems")
    print(f"pack into arrays              {packed - start:.1f} s")
    print(f"distances of all              {done - packed:.1f} s")
    print(f"highest memory                {peak_mib():.0f} MiB, {before:.0f} MiB of it before, reading")
    print(f"largest difference from file  {np.abs(distances - known).max():.1e} eV/atom (of 10 decimals)")
    start = time.process_time()
    again = hull.energies_above_hull(compositions, hull.energies_per_atom)
    print(f"asked again, as new entries   {time.process_time() - start:.1f} s, identical: {(again == distances).all()}")
    return hull, distances


def against_pymatgen(hull, distances, n_systems, seed):
    """The largest and random systems, entries of all sub-systems included."""
    from pymatgen.analysis.phase_diagram import PDEntry, PhaseDiagram
    from pymatgen.core.composition import Composition

    own = {elements: rows for elements, rows in hull.compositions.by_system().items() if 1 < len(elements) <= 5}
    largest = sorted(own, key=lambda one: -len(own[one]))[: n_systems // 2]
    systems = [*largest, *random.Random(seed).sample(sorted(own), n_systems - len(largest))]
    differences, theirs_s, ours_s, asked = [], [], [], 0
    for elements in systems:
        rows = np.concatenate(
            [some for part, some in hull.compositions.by_system().items() if set(part) <= {*elements}]
        )
        mappings = [hull.compositions.as_mapping(row) for row in rows]
        values = hull.energies_per_atom[rows]
        start = time.process_time()
        entries = [PDEntry(Composition(one), value) for one, value in zip(mappings, values, strict=True)]
        diagram = PhaseDiagram(entries)
        theirs = [diagram.get_e_above_hull(one) for one in entries]
        middle = time.process_time()
        ours = Hull(
            [HullEntry(one, value, "") for one, value in zip(mappings, values, strict=True)], energies="formation"
        ).entry_distances
        theirs_s.append(middle - start)
        ours_s.append(time.process_time() - middle)
        differences.append(max(np.abs(ours - theirs).max(), np.abs(distances[rows] - theirs).max()))
        asked += len(rows)
    print(f"\n{len(systems)} systems with their sub-systems, {asked} entries: build and all distances, CPU s")
    print(f"{'':>10} {'median':>8} {'largest':>8} {'sum':>8}")
    for name, seconds in (("pymatgen", theirs_s), ("lamcore", ours_s)):
        print(f"{name:>10} {statistics.median(seconds):>8.4f} {max(seconds):>8.3f} {sum(seconds):>8.2f}")
    print(f"largest difference            {max(differences):.1e} eV/atom")


def against_published(path, hull, distances):
    """By composition, of which the file has the lowest distance."""
    lowest: dict[str, float] = {}
    for row, value in enumerate(distances.tolist()):
        key = hull.compositions.formula(row)
        lowest[key] = min(value, lowest.get(key, np.inf))
    published: dict[str, float] = {}
    rows = read(path, "e_above_hull")
    compositions = Compositions.of([amounts(formula) for formula, _ in rows])
    for row, (_, value) in enumerate(rows):
        key = compositions.formula(row)
        published[key] = min(value, published.get(key, np.inf))
    shared = sorted(set(lowest) & set(published))
    ours, theirs = (np.array([one[key] for key in shared]) for one in (lowest, published))
    difference = np.abs(ours - theirs)
    agreement = ((ours <= 1e-8) == (theirs <= 1e-8)).mean()
    near, nearer = ((difference <= limit).mean() for limit in (1e-2, 1e-3))
    print(f"\n{len(shared)} compositions of another snapshot with published distances")
    print(f"median difference             {np.median(difference):.4f} eV/atom")
    print(f"within 1 and 10 meV/atom      {100 * nearer:.1f} %, {100 * near:.1f} %")
    print(f"stable or not, alike          {100 * agreement:.1f} %; {(ours <= 1e-8).sum()} stable here")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--systems", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    hull, distances = whole(options.data / "mp_e_form_132752_with_ehull.csv.gz")
    against_pymatgen(hull, distances, options.systems, options.seed)
    published = options.data / "mp_e_hull_published_compositions.csv.gz"
    if published.exists():
        against_published(published, hull, distances)


if __name__ == "__main__":
    main()
