"""Filters of OPTIMADE against the same question in plain SQL, or of every row in Python."""

import contextlib
import time

import pytest
from filled import fill
from lamcore_crystal.store.database import Database
from lamcore_crystal.store.schema import crystal
from lamcore_crystal.web.optimade.errors import BadFilterError, NotSupportedError
from lamcore_crystal.web.optimade.filters import to_sql
from lamcore_crystal.web.optimade.listing import narrowed
from sqlalchemy import select, text, update

HOLDS = "EXISTS (SELECT 1 FROM crystal_element e WHERE e.crystal_id = crystal.id AND e.z {})"
CASES = [
    ("", "1"),
    ('elements HAS "O"', HOLDS.format("= 8")),
    ('elements HAS ALL "O","Ti"', HOLDS.format("= 8") + " AND " + HOLDS.format("= 22")),
    ('elements HAS ANY "O","Cl"', HOLDS.format("IN (8, 17)")),
    ('elements HAS ONLY "O","Si","Ti"', "NOT " + HOLDS.format("NOT IN (8, 14, 22)")),
    ('NOT elements HAS "O"', "NOT " + HOLDS.format("= 8")),
    ('NOT elements HAS ANY "O","Cl"', "NOT " + HOLDS.format("IN (8, 17)")),
    ("elements LENGTH 3", "n_elements = 3"),
    ("elements LENGTH >= 3", "n_elements >= 3"),
    ("nelements = 2", "n_elements = 2"),
    ("2 < nelements", "n_elements > 2"),
    ("nsites != 8", "n_sites != 8"),
    ("nsites <= 8 AND nsites > 2", "n_sites <= 8 AND n_sites > 2"),
    ("space_group_it_number = 225", "space_group = 225"),
    ('chemical_formula_reduced = "CaF2"', "formula = 'CaF2'"),
    ('"CaF2" = chemical_formula_reduced', "formula = 'CaF2'"),
    ('chemical_formula_reduced STARTS WITH "Ca"', "formula GLOB 'Ca*'"),
    ('chemical_formula_reduced STARTS "Ca"', "formula GLOB 'Ca*'"),
    ('chemical_formula_reduced ENDS WITH "2"', "formula GLOB '*2'"),
    ('chemical_formula_reduced CONTAINS "O"', "formula GLOB '*O*'"),
    ('chemical_formula_reduced CONTAINS "o"', "formula GLOB '*o*'"),
    ('chemical_formula_anonymous = "AB"', "formula_anonymous = 'AB'"),
    ('chemical_formula_descriptive != "NaCl"', "formula_pretty != 'NaCl'"),
    ("_lam_energy_above_hull < 0.05", "energy_above_hull < 0.05"),
    ("NOT _lam_energy_above_hull < 0.05", "energy_above_hull >= 0.05"),
    ("_lam_energy_above_hull IS KNOWN", "energy_above_hull IS NOT NULL"),
    ("_lam_energy_above_hull IS UNKNOWN", "energy_above_hull IS NULL"),
    (
        "_lam_energy_above_hull <= 0 AND nelements = 2 OR nsites = 1",
        "energy_above_hull <= 0 AND n_elements = 2 OR n_sites = 1",
    ),
    (
        "_lam_energy_above_hull <= 0 AND (nelements = 2 OR nsites = 1)",
        "energy_above_hull <= 0 AND (n_elements = 2 OR n_sites = 1)",
    ),
    ("NOT (nelements = 2 OR nsites = 4)", "n_elements != 2 AND n_sites != 4"),
    ('_lam_source = "my-generator"', "source = 'my-generator'"),
    ('_lam_model = "lennard-jones"', "model_id IN (SELECT id FROM model WHERE name = 'lennard-jones')"),
    ("_lam_is_novel = TRUE", "is_novel"),
    ("_lam_is_novel = FALSE", "NOT is_novel"),
    ("_lam_is_unique != TRUE", "duplicate_in_database IS NOT NULL OR duplicate_in_submission IS NOT NULL"),
    ("nperiodic_dimensions = 3", "1"),
    ("nperiodic_dimensions < 3", "0"),
    ("dimension_types HAS ALL 1", "1"),
    ("dimension_types HAS 0", "0"),
    ("lattice_vectors LENGTH 3", "1"),
    ("species_at_sites LENGTH > 4", "n_sites > 4"),
    ('structure_features HAS ANY "disorder"', "0"),
    ("structure_features LENGTH 0", "1"),
    ('last_modified > "2020-01-01T00:00:00Z"', "1"),
    ('last_modified < "2020-01-01T00:00:00+09:00"', "0"),
    ('id = "nonsense"', "0"),
    ('id != "nonsense"', "1"),
    ("nelements = 99999999999999999999999999", "0"),
    ("nsites < 1e400", "1"),
    ("assemblies IS UNKNOWN", "1"),
    ("assemblies LENGTH 1", "0"),
    ('_mp_stability = "high"', "0"),
    ('NOT _mp_stability = "high"', "0"),
    ("_mp_stability IS UNKNOWN", "1"),
    ("_mp_stability.depth > 3 OR nelements = 2", "n_elements = 2"),
]


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    database = Database.create(tmp_path_factory.mktemp("filters") / "challenge.db")
    fill(database, 200)
    with database.write() as connection:
        connection.execute(update(crystal).where(crystal.c.id % 7 == 0).values(energy_above_hull=None))
    yield database
    database.close()


def found(database, filter_):
    with database.read() as connection:
        return set(connection.execute(select(crystal.c.id).where(to_sql(filter_).condition)).scalars())


def by_sql(database, condition):
    with database.read() as connection:
        return set(connection.execute(text(f"SELECT id FROM crystal WHERE {condition}")).scalars())


@pytest.mark.parametrize(("filter_", "condition"), CASES)
def test_a_filter_finds_what_sql_finds(database, filter_, condition):
    assert found(database, filter_) == by_sql(database, condition)


def test_most_of_these_filters_find_some_and_not_all(database):
    everything = by_sql(database, "1")
    for filter_ in ('elements HAS ANY "O","Cl"', "_lam_energy_above_hull < 0.05", "_lam_is_unique = TRUE"):
        assert set() < found(database, filter_) < everything


def test_an_id_finds_its_crystal_alone(database):
    for number in sorted(by_sql(database, "1"))[:3]:
        assert found(database, f'id = "{number}"') == {number}
        assert found(database, f'id = "0{number}"') == set()


def test_a_value_is_never_read_as_sql(database):
    everything = by_sql(database, "1")
    for value in ("x' OR '1'='1", "'; DROP TABLE crystal; --", "%", "_", "\\\\", "*"):
        assert found(database, f'chemical_formula_reduced = "{value}"') == set()
        assert found(database, f'_lam_source CONTAINS "{value}"') == set()
    assert by_sql(database, "1") == everything


def test_escaped_quotes_are_part_of_a_string():
    compiled = to_sql(r'_lam_source = "a\"b\\c"').condition.compile()
    assert list(compiled.params.values()) == ['a"b\\c']


@pytest.mark.parametrize(
    ("filter_", "part"),
    [
        ("foo = 1", "no property 'foo'"),
        ("_lam_foo = 1", "no property '_lam_foo'"),
        ('nelements = "2"', "expected a number"),
        ("chemical_formula_reduced = 2", "expected a string"),
        ("_lam_is_novel = 1", "TRUE or FALSE"),
        ("_lam_is_novel > TRUE", "only = and !="),
        ('last_modified > "yesterday"', "RFC 3339"),
        ('last_modified > "2026-13-45T00:00:00Z"', "RFC 3339"),
        ("elements HAS 3", "chemical symbols"),
        ('nelements HAS "Li"', "no list"),
        ("nelements LENGTH 3", "no list"),
        ('nelements CONTAINS "3"', "only strings"),
        ("nelements =", "cannot be read at its end"),
        ("nelements = 2 nsites = 3", "join them"),
        ("nelements == 2", "cannot be read at character"),
        ("(" * 100 + "nelements=2" + ")" * 100, "nests 100"),
        ("nelements=2 OR " * 1000 + "nelements=2", "characters"),
        ('_lam_source = "a\x00b"', "printable"),
    ],
)
def test_a_wrong_filter_is_told_what_is_wrong(filter_, part):
    with pytest.raises(BadFilterError, match=part.replace("(", r"\(")):
        to_sql(filter_)


@pytest.mark.parametrize(
    "filter_",
    [
        "elements = 3",
        "elements HAS < 3",
        'elements HAS ALL < "H", "Li"',
        "nelements = nsites",
        "1 = 1",
        'elements:nelements HAS "H":1',
        'species.name HAS "Li"',
        'species HAS "Li"',
        "elements_ratios HAS 0.5",
    ],
)
def test_an_optional_feature_that_is_not_offered_says_so(filter_):
    with pytest.raises(NotSupportedError):
        to_sql(filter_)


def test_an_unknown_prefix_is_warned_of_and_a_known_one_is_not():
    assert "_nobody_x" in to_sql("_nobody_x = 3 AND _nobody_x > 2").warnings[0]
    assert len(to_sql("_nobody_x = 3 AND _nobody_x > 2").warnings) == 1
    assert to_sql("_mp_x = 3").warnings == ()


@pytest.mark.parametrize(
    "filter_",
    [
        'a="' + "\t" * 60,
        '"' * 3999,
        'a="' + '\\"' * 1900,
        "NOT " * 900 + "nsites=1",
        "(" * 39,
        "nsites=1 AND " * 300 + "nsites=1",
    ],
    ids=["tabs", "quotes", "escapes", "nots", "open", "long"],
)
def test_no_filter_takes_long(filter_):
    started = time.perf_counter()
    with contextlib.suppress(BadFilterError):
        to_sql(filter_)
    assert time.perf_counter() - started < 5


@pytest.mark.parametrize(
    ("filter_", "required"),
    [
        ('elements HAS "O"', {8}),
        ('elements HAS ALL "O","Ti" AND nelements = 3', {8, 22}),
        ('nsites < 9 AND (elements HAS "O" AND elements HAS ANY "Ti")', {8, 22}),
        ('elements HAS "O" OR elements HAS "Ti"', set()),
        ('NOT elements HAS "O"', set()),
        ('NOT (elements HAS "O" AND nsites = 2)', set()),
        ('elements HAS ANY "O","Ti"', set()),
        ('elements HAS ONLY "O"', set()),
        ("nelements = 2", set()),
    ],
)
def test_what_a_filter_requires_leads_to_the_same_structures(database, filter_, required):
    asked = to_sql(filter_)
    assert asked.required == required
    with database.read() as connection:
        query = select(crystal.c.id).where(narrowed(connection, asked))
        assert set(connection.execute(query).scalars()) == found(database, filter_)
