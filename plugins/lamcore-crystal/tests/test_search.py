"""Searches against the same conditions asked of every row in Python, and the indexes that they go by."""

import base64
import hashlib
import itertools
import json
import random

import pytest
from ase.formula import Formula
from filled import fill
from lamcore_crystal.store.database import Database
from lamcore_crystal.store.patterns import PatternError
from lamcore_crystal.store.query import CrystalQuery
from lamcore_crystal.store.schema import crystal, metadata, statistic
from lamcore_crystal.store.search import CursorError, search
from sqlalchemy import event, select, text, update


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    database = Database.create(tmp_path_factory.mktemp("search") / "challenge.db")
    fill(database, 150)
    with database.write() as connection:  # some of no known distance to a hull
        without = update(crystal).where(crystal.c.id % 7 == 0)
        connection.execute(without.values(energy_above_hull=None, formation_energy_per_atom=None))
    yield database
    database.close()


@pytest.fixture(scope="module")
def large(database, tmp_path_factory):
    """The same rows, with counts as if there were 10,000 times as many: searches go by other indexes."""
    path = database.copy_to(tmp_path_factory.mktemp("large") / "challenge.db")
    large = Database.open(path)
    with large.write() as connection:
        connection.execute(update(statistic).values(n=statistic.c.n * 10_000))
    yield large
    large.close()


@pytest.fixture(scope="module")
def rows(database):
    with database.read() as connection:
        return [dict(row) for row in connection.execute(select(crystal)).mappings()]


def amounts(row):
    return Formula(row["formula"]).count()


HOLDS = {
    "elements": lambda row, v: set(v) <= set(amounts(row)),
    "any_of": lambda row, v: bool(set(v) & set(amounts(row))),
    "exclude": lambda row, v: not set(v) & set(amounts(row)),
    "only": lambda row, v: set(amounts(row)) <= set(v),
    "chemical_system": lambda row, v: set(amounts(row)) == set(v.split("-")),
    "space_group": lambda row, v: row["space_group"] == v,
    "crystal_system": lambda row, v: row["crystal_system"] == v,
    "prototype": lambda row, v: row["prototype"] == v,
    "source": lambda row, v: row["source"] == v,
    "submission_id": lambda row, v: row["submission_id"] == v,
    "min_hull": lambda row, v: row["energy_above_hull"] is not None and row["energy_above_hull"] >= v,
    "max_hull": lambda row, v: row["energy_above_hull"] is not None and row["energy_above_hull"] <= v,
    "min_formation": lambda row, v: (
        row["formation_energy_per_atom"] is not None and row["formation_energy_per_atom"] >= v
    ),
    "max_formation": lambda row, v: (
        row["formation_energy_per_atom"] is not None and row["formation_energy_per_atom"] <= v
    ),
    "min_sites": lambda row, v: row["n_sites"] >= v,
    "max_sites": lambda row, v: row["n_sites"] <= v,
    "n_elements": lambda row, v: len(amounts(row)) == v,
    "unique": lambda row, _: row["duplicate_in_submission"] is None and row["duplicate_in_database"] is None,
    "novel": lambda row, _: row["is_novel"],
    "formula": lambda row, v: amounts(row) == Formula(v).count(),
    "formula_anonymous": lambda row, v: (
        sorted(amounts(row).values()) == sorted(Formula(v.replace("A", "H").replace("B", "He")).count().values())
    ),
}
VALUES = {
    "elements": [("O",), ("Ti", "O"), ("O", "Li", "P"), ("Au",), ("Zn", "Cs")],
    "any_of": [("Au",), ("Li", "Na", "K"), ("O",)],
    "exclude": [("O",), ("Li", "Fe", "Cl", "O")],
    "only": [
        ("Ti", "O", "Ca"),
        ("Zn", "S"),
        ("O", "S", "Se", "Zn", "Fe", "Ti", "Al", "Si", "Li", "P", "Ca", "Ba", "Sr"),
    ],
    "chemical_system": ["O-Ti-Ca", "Fe"],
    "space_group": [225, 136, 7],
    "crystal_system": ["cubic", "trigonal"],
    "prototype": ["ABC3 221: a A b B c C", "AB2 225: a A c B", "A 225: a A"],
    "source": ["my-generator", "nobody"],
    "submission_id": [1, 2, 77],
    "min_hull": [0.05],
    "max_hull": [0.0, 0.1],
    "min_formation": [-0.3],
    "max_formation": [-0.5, 0.0],
    "min_sites": [5],
    "max_sites": [4, 30],
    "n_elements": [0, 1, 2, 4],
    "unique": [True],
    "novel": [True],
    "formula": ["ZnO", "TiO2", "O3BaTi"],
    "formula_anonymous": ["AB", "A2B", "AB2"],
}
# Conditions that say something of the same thing.
TOUCHING = [
    {"elements": ("O", "Ti"), "n_elements": 2, "only": ("O", "Ti")},
    {"elements": ("O", "Ti"), "n_elements": 2, "only": ("O", "Si")},
    {"elements": ("O", "Ti"), "n_elements": 2},
    {"elements": ("O", "O"), "n_elements": 2},
    {"elements": ("O", "Ti"), "n_elements": 1},
    {"elements": ("O",), "exclude": ("O",)},
    {"elements": ("O",), "only": ("O", "Si", "Ti"), "n_elements": 2},
    {"chemical_system": "O-Ti", "only": ("O",)},
    {"min_hull": 0.1, "max_hull": 0.0},
    {"min_hull": float("-inf"), "max_hull": float("inf")},
]
SORTS = ("id", "energy_above_hull", "formation_energy_per_atom")


def combinations():
    """Each condition alone in each order, rising or falling, some that touch, then 150 of two to four, drawn."""
    falling = itertools.cycle((False, True))
    for name, values in VALUES.items():
        for value, sort in itertools.product(values, SORTS):
            yield {name: value, "sort": sort, "descending": next(falling)}
    for touching in TOUCHING:
        yield {**touching, "sort": "id", "descending": False}
    rng = random.Random(3)
    for _ in range(150):
        names = rng.sample(sorted(VALUES), rng.randint(2, 4))
        chosen = {name: rng.choice(VALUES[name]) for name in names}
        yield {**chosen, "sort": rng.choice(SORTS), "descending": rng.random() < 0.5}


def expected_ids(rows, question):
    sort, descending = question["sort"], question["descending"]
    held = [row for row in rows if all(HOLDS[k](row, v) for k, v in question.items() if k in HOLDS)]
    with_value = [row for row in held if row[sort] is not None]
    without = [row for row in held if row[sort] is None]
    ordered = sorted(with_value, key=lambda row: (row[sort], row["id"]), reverse=descending)
    return [row["id"] for row in (*ordered, *sorted(without, key=lambda row: row["id"], reverse=descending))]


def all_pages(connection, query, limit):
    page = search(connection, query, limit)
    yield page
    while page.next is not None:
        page = search(connection, query, limit, page.next)
        yield page


@pytest.mark.parametrize("size", ["database", "large"])
def test_every_condition_alone_and_together_finds_what_python_finds_in_the_same_order(size, rows, request):
    n_with_hits = 0
    with request.getfixturevalue(size).read() as connection:
        for i, question in enumerate(combinations()):
            pages = list(all_pages(connection, CrystalQuery(**question), (7, 40, 1000, 1000)[i % 4]))
            found = [row["id"] for page in pages for row in page.rows]
            assert found == expected_ids(rows, question), question
            assert size == "large" or all(page.total in (None, len(found)) for page in pages), question
            n_with_hits += bool(found)
    assert n_with_hits > 130


@pytest.mark.parametrize("size", ["database", "large"])
def test_no_search_walks_or_sorts_the_table(size, request):
    """Crystals are looked up, or read along an index in the order asked for until the page is full, without sorting."""
    statements = {}

    def note(connection, cursor, statement, parameters, context, many):
        if "AS page" in statement:
            statements[statement] = parameters

    database = request.getfixturevalue(size)
    event.listen(database._engine, "before_cursor_execute", note)
    try:
        with database.read() as connection:
            for question in [{}, *combinations()]:
                page = search(connection, CrystalQuery(**question), 5)
                if page.next is not None:
                    search(connection, CrystalQuery(**question), 5, page.next)
    finally:
        event.remove(database._engine, "before_cursor_execute", note)
    assert len(statements) > 150
    n_looked_up = 0
    with database.read() as connection:
        for statement, parameters in statements.items():
            steps = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
            [page] = [step.id for step in steps if step.detail in ("MATERIALIZE page", "CO-ROUTINE page")]
            inner = [step.detail for step in steps if step.parent == page]
            outer = [step.detail for step in steps if step.parent == 0 and step.id != page]
            assert not any(detail.startswith("SCAN crystal") for detail in (*inner, *outer)), (statement, inner, outer)
            assert not any(detail.startswith("SCAN listed") for detail in inner), (statement, inner)
            if not any("=?" in detail or "<? AND" in detail or "IN" in detail for detail in inner):
                assert not any("TEMP B-TREE" in detail for detail in inner), (statement, inner)
            n_looked_up += any("=?" in detail for detail in inner)
    assert size == "database" or n_looked_up > 100


def test_wildcards_stand_for_any_other_element_with_that_amount(database, rows):
    with database.read() as connection:
        found = {row["id"] for row in search(connection, CrystalQuery(formula="*O2"), 1000).rows}
        perovskites = {row["formula"] for row in search(connection, CrystalQuery(formula="*TiO3"), 1000).rows}
    assert found == {row["id"] for row in rows if len(amounts(row)) == 2 and amounts(row).get("O") == 2}
    assert found
    assert perovskites == {"BaO3Ti", "CaO3Ti", "O3SrTi"}


def test_wyckoff_positions_are_found_with_and_without_elements_and_space_group(database, rows):
    salt = next(row for row in rows if row["wyckoff_letters"] == "a b" and row["space_group"] == 225)
    occupation = salt["wyckoff"].split(": ")[1]
    letters, symbols = occupation.split()[::2], occupation.split()[1::2]
    other_names = f"225: {letters[1]} {symbols[0]} {letters[0]} {symbols[1]}"  # another choice of the origin
    patterns = {
        other_names: lambda row: row["wyckoff"] == salt["wyckoff"],
        "225: a b": lambda row: row["space_group"] == 225 and row["wyckoff_letters"] == "a b",
        "b  a": lambda row: row["wyckoff_letters"] == "a b",
        salt["wyckoff"]: lambda row: row["wyckoff"] == salt["wyckoff"],
        occupation: lambda row: row["wyckoff"].endswith(": " + occupation),
    }
    with database.read() as connection:
        for pattern, holds in patterns.items():
            found = {row["id"] for row in search(connection, CrystalQuery(wyckoff=pattern), 1000).rows}
            assert found == {row["id"] for row in rows if holds(row)}
            assert found


HOSTILE = ["' OR 1=1 --", "'; DROP TABLE crystal; --", '" OR ""="', "%", "_", "*", "\\", "x" * 5000, "Ω≈ç", "1); --"]


@pytest.mark.parametrize("name", [f.name for f in CrystalQuery.__dataclass_fields__.values() if "str" in str(f.type)])
def test_text_in_any_field_is_a_value_and_never_sql(database, rows, name):
    for value in HOSTILE:
        given = (value,) if name in ("elements", "any_of", "exclude", "only") else value
        with database.read() as connection:
            try:
                page = search(connection, CrystalQuery(**{name: given}))
            except PatternError:
                continue
        expected = {row["id"] for row in rows if value == "*" and name == "formula" and len(amounts(row)) == 1}
        assert {row["id"] for row in page.rows} == expected
    with database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM crystal")).scalar_one() == len(rows)


@pytest.mark.parametrize(
    ("question", "named"),
    [
        ({"elements": ("Xx",)}, "'Xx'"),
        ({"elements": ("X",)}, "no chemical element"),
        ({"formula": "NaCl3.5"}, "NaCl3.5"),
        ({"formula": "Na0"}, "amount of 0"),
        ({"formula": ""}, "formula"),
        ({"formula_anonymous": "AA2"}, "twice"),
        ({"chemical_system": "Li-"}, "''"),
        ({"space_group": 231}, "1 to 230"),
        ({"wyckoff": "225"}, "'225'"),
        ({"wyckoff": "999: a"}, "1 to 230"),
        ({"wyckoff": "a Na b"}, "letters"),
        ({"wyckoff": "225: z"}, "positions abcdefghijkl"),
        ({"wyckoff": "a Qq"}, "no chemical element"),
        ({"crystal_system": "rhombohedral"}, "trigonal"),
        ({"min_hull": float("nan")}, "not a number"),
        ({"source": "a\0b"}, "null character"),
        ({"submission_id": 2**70}, "smaller"),
        ({"sort": "name; DROP TABLE crystal"}, "expected one of"),
    ],
)
def test_a_wrong_pattern_is_named(database, question, named):
    with database.read() as connection, pytest.raises(PatternError, match=named):
        search(connection, CrystalQuery(**question))


def with_right_sum(content):
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()[:6] + content).decode().rstrip("=")


def test_a_damaged_or_foreign_cursor_is_refused(database):
    query = CrystalQuery(elements=("O",))
    with database.read() as connection:
        cursor = search(connection, query, 3).next
        damaged = ("x" if cursor[4] != "x" else "y").join((cursor[:4], cursor[5:]))
        for wrong in ("", "a", damaged, cursor + "AAAA", "é", "x" * 1000, "' OR 1=1", "...."):
            with pytest.raises(CursorError, match="damaged"):
                search(connection, query, 3, wrong)
        with pytest.raises(CursorError, match="another search"):
            search(connection, CrystalQuery(elements=("Zn",)), 3, cursor)
        own = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))[6:])[0]
        for forged in (
            "x",
            "[1]",
            "[" * 200,
            f'["{own}", {{}}, null]',
            f'["{own}", {2**70}, null]',
            f'["{own}", 1, "x"]',
        ):
            with pytest.raises(CursorError, match="damaged"):
                search(connection, query, 3, with_right_sum(forged.encode()))
        for limit in (0, -1, 1001):
            with pytest.raises(PatternError, match="limit"):
                search(connection, query, limit)


def test_rows_added_while_pages_are_read_neither_repeat_nor_hide_others(database):
    query = CrystalQuery(sort="energy_above_hull")
    with database.read() as connection:
        whole = [row["id"] for page in all_pages(connection, query, 1000) for row in page.rows]
        first = search(connection, query, 10)
    with database.write() as connection:
        moved = whole[-1]
        connection.execute(update(crystal).where(crystal.c.id == moved).values(energy_above_hull=-9.0))
    try:
        with database.read() as connection:
            rest = search(connection, query, 1000, first.next)
        assert [row["id"] for row in first.rows] + [row["id"] for row in rest.rows] == whole[:-1]
    finally:
        with database.write() as connection:
            connection.execute(update(crystal).where(crystal.c.id == moved).values(energy_above_hull=None))


def test_every_index_of_the_tables_has_a_name_that_says_its_columns():
    names = [index.name for table in metadata.tables.values() for index in table.indexes]
    assert len(names) == len(set(names))
    assert max(len(name) for name in names) <= 63  # PostgreSQL cuts longer ones
