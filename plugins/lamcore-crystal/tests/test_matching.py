from __future__ import annotations

import csv
import gzip
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from ase.build import bulk
from ase.spacegroup import crystal
from lamcore_crystal.geometry import Geometry
from lamcore_crystal.matching import (
    Candidate,
    DuplicateFinder,
    Matcher,
    by_formula,
    first_match,
    same,
)
from lamcore_crystal.rounds import MatchingRules
from lamcore_crystal.symmetry import describe
from scipy.spatial.transform import Rotation

RULES = MatchingRules()


def candidate(name, atoms, energy_per_atom=None):
    geometry = Geometry.of(atoms)
    return Candidate.of(name, geometry, describe(geometry, RULES)[0], energy_per_atom)


def crystals():
    """Different crystals, four of them of one formula."""
    perovskite = [(0.99, 0.05, 0.25), (0, 0.5, 0), (0.08, 0.48, 0.25), (0.71, 0.29, 0.04)]
    return {
        "rock salt": bulk("ZnS", "rocksalt", 5.0),
        "zinc blende": bulk("ZnS", "zincblende", 5.4),
        "wurtzite": bulk("ZnS", "wurtzite", 3.82, 6.26),
        "caesium chloride": bulk("ZnS", "cesiumchloride", 3.1),
        "perovskite": crystal(["Ca", "Ti", "O", "O"], perovskite, spacegroup=62, cellpar=[5.4, 5.5, 7.7, 90, 90, 90]),
        "rutile": crystal(
            ["Ti", "O"], [(0, 0, 0), (0.305, 0.305, 0)], spacegroup=136, cellpar=[4.6, 4.6, 2.96, 90, 90, 90]
        ),
    }


def disguised(atoms, random):
    """A supercell, rotated, shifted, reordered and shaken by 0.01 Å."""
    copy = atoms * tuple(int(n) for n in random.permutation((1, 1, 2)))
    copy.set_cell(copy.cell @ Rotation.random(random_state=random).as_matrix(), scale_atoms=True)
    copy.positions += random.normal(scale=0.01 / np.sqrt(3), size=copy.positions.shape) + random.uniform(0, 5, 3)
    copy = copy[random.permutation(len(copy))]
    copy.wrap()
    return copy


@pytest.fixture(scope="module")
def planted():
    """Crystals and three disguised copies of each, shuffled, with the name of what each is."""
    random = np.random.default_rng(1)
    made = [(name, atoms) for name, atoms in crystals().items()]
    made += [(name, disguised(atoms, random)) for name, atoms in crystals().items() for _ in range(3)]
    order = random.permutation(len(made))
    return [(made[k][0], candidate(place, made[k][1])) for place, k in enumerate(order)]


def test_planted_duplicates_are_found_and_nothing_else_is(planted):
    found = DuplicateFinder(RULES).find([one for _, one in planted])
    names = [name for name, _ in planted]
    for place, matches in enumerate(found):
        first = names.index(names[place])
        assert matches.in_submission == (None if first == place else first)
    assert sum(one.is_unique for one in found) == len(crystals())


def test_the_matcher_agrees_with_pymatgen_on_every_pair(planted):
    from pymatgen.analysis.structure_matcher import StructureMatcher

    plain = StructureMatcher(ltol=RULES.ltol, stol=RULES.stol, angle_tol=RULES.angle_tol_deg)
    few = [one for _, one in planted[:12]]
    outcomes = Counter()
    for k, one in enumerate(few):
        for other in few[:k]:
            expected = bool(plain.fit(one.geometry.structure(), other.geometry.structure()))
            assert same(one, other, RULES) == same(other, one, RULES) == expected
            outcomes[expected] += 1
    assert outcomes[True] > 3
    assert outcomes[False] > 3


def test_the_outcome_does_not_depend_on_batches_or_a_restart(planted):
    everything = [one for _, one in planted]
    together = DuplicateFinder(RULES).find(everything)
    for size in (1, 5, 7):
        finder = DuplicateFinder(RULES)
        apart = [m for start in range(0, len(everything), size) for m in finder.find(everything[start : start + size])]
        assert apart == together
    done = together[:9]
    restarted = DuplicateFinder(RULES)
    restarted.remember(one for one, matches in zip(everything, done, strict=False) if matches.is_unique)
    assert restarted.find(everything[9:]) == together[9:]


def test_database_and_reference_sets_are_columns_of_their_own():
    known = {name: candidate(name, atoms) for name, atoms in crystals().items()}
    random = np.random.default_rng(5)
    finder = DuplicateFinder(
        RULES,
        database=by_formula([known["wurtzite"]]),
        references={"minerals": by_formula([known["rutile"], known["wurtzite"]]), "oxides": by_formula([])},
    )
    new = [candidate(k, disguised(crystals()[name], random)) for k, name in enumerate(("wurtzite", "zinc blende"))]
    repeat, other = finder.find(new)
    assert (repeat.in_submission, repeat.in_database) == (None, "wurtzite")
    assert repeat.novelty == {"minerals": "wurtzite", "oxides": None}
    assert not repeat.is_novel
    assert (other.in_submission, other.in_database, other.is_novel) == (None, None, True)


def test_a_supercell_is_found_though_its_total_energy_is_another():
    atoms = bulk("ZnS", "zincblende", 5.4)
    one, other = candidate("cell", atoms, -3.0), candidate("supercell", atoms * (2, 1, 1), -3.0)
    assert first_match(other, [one], RULES) == "cell"


def test_a_pair_is_compared_for_a_key_or_for_energy_and_volume():
    one = candidate("one", bulk("ZnS", "zincblende", 5.4), -3.0)
    matcher = Matcher(RULES)
    other_key = replace(one, id="other", key_loose="x", key_tight="y")
    assert matcher.may_match(one, replace(one, energy_per_atom=0.0))
    assert matcher.may_match(one, replace(other_key, key_tight=one.key_loose))
    assert matcher.may_match(one, replace(other_key, energy_per_atom=-3.009))
    assert not matcher.may_match(one, replace(other_key, energy_per_atom=-3.011))
    assert not matcher.may_match(one, replace(other_key, volume_per_atom=1.04 * one.volume_per_atom))
    assert matcher.may_match(one, replace(other_key, energy_per_atom=None))
    assert not matcher.may_match(one, replace(other_key, energy_per_atom=None, volume_per_atom=1.0))
    assert not matcher.may_match(one, replace(one, formula="ClNa"))


def test_at_most_so_many_are_compared_and_the_likeliest_are():
    atoms = bulk("ZnS", "zincblende", 5.4)
    new = candidate("new", atoms, -3.0)
    decoys = [candidate(k, crystals()["rock salt"], -3.0) for k in range(30)]
    strained = [replace(one, key_loose="x", volume_per_atom=new.volume_per_atom * 1.001) for one in decoys]
    matcher = Matcher(RULES)
    rattled = atoms.copy()
    rattled.rattle(0.01, seed=1)
    assert matcher.first_match(new, strained) is None
    assert matcher.n_compared == 20
    assert Matcher(RULES).first_match(new, [*strained, candidate("true", rattled, -3.0)]) == "true"


def test_polymorphs_of_carbon_all_stay_and_most_that_pymatgen_merges_are_marked(reference_data):
    from pymatgen.analysis.structure_matcher import StructureMatcher
    from pymatgen.io.cif import CifParser

    with gzip.open(reference_data / "structures" / "carbon24_500.csv.gz", "rt", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))[:80]
    candidates = []
    for row in rows:
        structure = CifParser.from_str(row["cif"]).parse_structures(primitive=False)[0]
        geometry = Geometry(structure.lattice.matrix, structure.frac_coords, np.array(structure.atomic_numbers))
        description = describe(geometry, RULES)[0]
        candidates.append(Candidate.of(row["material_id"], geometry, description, float(row["energy_per_atom"])))
    found = DuplicateFinder(RULES).find(candidates)
    assert [one.id for one in found] == [row["material_id"] for row in rows]
    structures = [one.geometry.structure() for one in candidates]
    plain = StructureMatcher(ltol=RULES.ltol, stol=RULES.stol, angle_tol=RULES.angle_tol_deg)
    groups = plain.group_structures(structures)
    distinct = sum(one.is_unique for one in found)
    # The filter leaves out pairs that are far in energy or volume, which tolerances as wide as these would merge.
    assert len(groups) <= distinct <= len(groups) + 4
    assert distinct < 80


def test_a_matcher_of_other_rules_is_refused():
    with pytest.raises(ValueError, match=r"stol=0\.1"):
        DuplicateFinder(RULES, matcher=Matcher(replace(RULES, stol=0.1)))
