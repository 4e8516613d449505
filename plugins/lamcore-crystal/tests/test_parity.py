import bz2
import gzip
import json
import lzma

import numpy as np
import pytest
from filled import fill
from lamcore_crystal.figures.comparison import STABLE_WITHIN, Comparison, with_external_hull, with_reference_file
from lamcore_crystal.figures.parity import MOST_POINTS, parity_chart
from lamcore_crystal.figures.reference_file import read_hull_distances
from lamcore_crystal.figures.served import figure_json
from lamcore_crystal.store.database import Database
from lamcore_crystal.store.schema import crystal, hull, result
from pymatgen.core.composition import Composition
from sqlalchemy import func, insert, select, update

from lamcore.errors import ConfigError


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    made = Database.create(tmp_path_factory.mktemp("parity") / "challenge.db")
    fill(made, 80)
    yield made
    made.close()


def pairs(references, predictions):
    names = [f"Li{i + 1}O" for i in range(len(references))]
    return Comparison("published", "formulas", "Planted.", names, references, predictions)


def test_planted_errors_come_out():
    found = pairs([0.0, 0.1, 0.0, 0.2], [0.0, -0.1, 0.05, 0.5]).agreement
    assert found.mae == pytest.approx((0 + 0.2 + 0.05 + 0.3) / 4)
    assert found.mean_error == pytest.approx((0 - 0.2 + 0.05 + 0.3) / 4)
    assert found.median_absolute_error == pytest.approx(0.125)
    assert (found.both_stable, found.only_predicted_stable) == (1, 1)
    assert (found.only_reference_stable, found.neither_stable) == (1, 1)
    assert found.share_agreeing == 0.5


def test_rounding_of_a_table_does_not_make_a_stable_compound_unstable():
    found = pairs([0.0, 0.0], [STABLE_WITHIN / 2, 2 * STABLE_WITHIN]).agreement
    assert (found.both_stable, found.only_reference_stable) == (1, 1)


def test_the_lowest_crystal_of_a_formula_meets_the_lowest_entry_of_the_reference(database, tmp_path):
    with database.read() as connection:
        lowest = {
            formula: energy
            for formula, energy in connection.execute(
                select(crystal.c.formula, func.min(crystal.c.energy_above_hull)).group_by(crystal.c.formula)
            )
        }
    rng = np.random.default_rng(3)
    planted = {formula: float(energy + rng.normal(0, 0.02)) for formula, energy in lowest.items()}
    rows = [f"{formula},{planted[formula] + worse!r}" for formula in planted for worse in (0.3, 0.0)] + ["UO2,0.5"]
    file = tmp_path / "published.csv"
    file.write_text("\n".join(["formula,e_above_hull", *rows]))
    with database.read() as connection:
        compared = with_reference_file(connection, read_hull_distances(file), "published")
    assert set(compared.names) == set(lowest)
    assert dict(zip(compared.names, compared.predictions, strict=True)) == lowest
    errors = [lowest[one] - planted[one] for one in lowest]
    assert compared.agreement.mae == pytest.approx(np.abs(errors).mean(), abs=1e-12)
    assert f"{len(lowest)} of the {len(lowest) + 1} formulas" in compared.how


def test_no_pair_has_no_figure(database):
    with database.read() as connection:
        compared = with_reference_file(connection, {"PuO2": 0.1}, "published")
    assert compared.n == 0
    with pytest.raises(ValueError, match="nothing to compare with published"):
        parity_chart(compared)


def test_points_are_where_the_pairs_are_and_below_the_hull_is_shown():
    chart = parity_chart(pairs([0.0, 0.1], [-0.2, 0.3]))
    points = chart.figure["data"][0]
    assert (points["x"], points["y"]) == ([0.0, 0.1], [-0.2, 0.3])
    assert chart.figure["layout"]["yaxis"]["range"][0] < -0.2
    assert dict(chart.rows[:9])["mean absolute error"] == "0.2000 eV/atom"


def test_an_outlier_is_drawn_at_the_end_of_the_axes_and_counted_in_the_error():
    references = [*np.linspace(0, 0.2, 999), 50.0]
    chart = parity_chart(pairs(references, [0.0] * 1000))
    points = chart.figure["data"][0]
    assert len(points["x"]) == 1000
    assert max(points["x"]) < 1
    assert "1 of 1,000 lie beyond the axes" in chart.note
    assert dict(chart.rows[:9])["mean absolute error"] == f"{np.mean(np.abs(references)):.4f} eV/atom"


def test_many_pairs_are_counted_in_squares_and_none_is_lost():
    rng = np.random.default_rng(0)
    n = MOST_POINTS + 1
    values = rng.exponential(0.1, n)
    chart = parity_chart(pairs(values.tolist(), (values + rng.normal(0, 0.02, n)).tolist()))
    squares = chart.figure["data"][0]
    assert squares["type"] == "heatmap"
    assert int(np.sum(squares["customdata"])) == n


def test_crystals_scored_against_an_external_hull_are_compared_one_by_one(tmp_path):
    database = Database.create(tmp_path / "challenge.db")
    fill(database, 40)
    with database.write() as connection:
        connection.execute(
            insert(hull).values(
                sha256="e" * 64,
                kind="external",
                name="PBE <b>hull</b>",
                settings_sha256="0" * 64,
                created_at="",
                n_entries=0,
            )
        )
        external = connection.execute(select(hull.c.id).where(hull.c.kind == "external")).scalar_one()
        assert with_external_hull(connection) is None
        rows = connection.execute(select(crystal.c.id, crystal.c.relaxation_id, crystal.c.energy_above_hull)).all()
        for row in rows:
            for score in ("energy-above-hull-1", "formation-energy-1"):
                connection.execute(
                    insert(result).values(
                        structure_id=row.id,
                        hull_id=external,
                        score_name=score,
                        relaxation_id=row.relaxation_id,
                        energy_above_hull=row.energy_above_hull - 0.01,
                        decomposition=[],
                    )
                )
    with database.read() as connection:
        compared = with_external_hull(connection)
        newest = with_external_hull(connection, at_most=5)
        drawn = json.loads(figure_json(connection, "parity"))
    assert compared.n == len(rows)
    assert compared.agreement.mean_error == pytest.approx(0.01)
    assert newest.n == 5
    assert newest.names == compared.names[-5:]
    assert drawn["title"] == "Parity with PBE <b>hull</b>"  # text, not HTML
    assert "<b>" not in json.dumps([drawn["data"], drawn["layout"]])
    with database.write() as connection:
        connection.execute(update(crystal).values(energy_above_hull=None))
        assert with_external_hull(connection) is None
    database.close()


@pytest.mark.parametrize(
    ("suffix", "pack"), [("", bytes), (".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress)]
)
def test_a_table_is_read_packed_or_not(tmp_path, suffix, pack):
    file = tmp_path / f"table.csv{suffix}"
    file.write_bytes(pack("\ufeffmaterial,Energy_Above_Hull,formula_pretty\n1,0.25,NaCl\n\n2,-0.5,Fe4O6\n".encode()))
    assert read_hull_distances(file) == {"ClNa": 0.25, "Fe2O3": -0.5}


def test_formulas_are_reduced_and_the_lowest_of_each_is_kept(tmp_path):
    file = tmp_path / "table.csv"
    file.write_text(
        "formula,e_hull\nCa3(PO4)2,0.2\nP2Ca3O8,0.1\nCa6P4O16,0.3\nC1Pt1,2\nO8,0\nLi0.5O0.25,0.7\nHeNe2,1\nFe0.95O,1\n"
    )
    assert read_hull_distances(file) == {
        "Ca3O8P2": 0.1,
        "CPt": 2.0,
        "O": 0.0,
        "Li2O": 0.7,
        "HeNe2": 1.0,
        "Fe19O20": 1.0,
    }


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"its columns are none; expected one named formula or"),
        (b"formula,energy\nLi,0\n", r"'formula', 'energy'; expected one named energy_above_hull or e_above_hull"),
        (b"formula,e_hull\n", r"holds no rows below its header"),
        (b"formula,e_hull\nLi,0\nLiO\n", r"row 3: has 1 fields, expected 2"),
        (b"formula,e_hull\nLi,much\n", r"row 2: 'much' in column 'e_hull', expected a finite number in eV/atom"),
        (b"formula,e_hull\nLi,nan\n", r"row 2: 'nan'"),
        (b"formula,e_hull\nLi,inf\n", r"row 2: 'inf'"),
        (b"formula,e_hull\nXx2O,0\n", r"row 2: 'Xx2O' is not a formula"),
        (b"formula,e_hull\nLi2(O,0\n", r"row 2: 'Li2\(O' is not a formula"),
        (b"formula,e_hull\n,0\n", r"row 2: '' is not a formula"),
        (b"formula,e_hull\n<script>,0\n", r"row 2: '<script>' is not a formula"),
        (b"\xff\xfeformula", r"cannot be read"),
    ],
)
def test_a_table_that_is_none_is_refused_with_the_row_and_what_was_expected(tmp_path, content, message):
    file = tmp_path / "table.csv"
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=message):
        read_hull_distances(file)


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz"])
def test_a_damaged_archive_is_refused(tmp_path, suffix):
    file = tmp_path / f"table.csv{suffix}"
    file.write_bytes(b"formula,e_hull\nLi,0\n")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_hull_distances(file)


def test_a_truncated_archive_is_refused(tmp_path):
    file = tmp_path / "table.csv.gz"
    rows = "".join(f"Li{i}O,0.{i}\n" for i in range(1, 2000))
    file.write_bytes(gzip.compress(f"formula,e_hull\n{rows}".encode())[:-50])
    with pytest.raises(ConfigError, match="cannot be read"):
        read_hull_distances(file)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(ConfigError, match=r"no-such\.csv: cannot be read"):
        read_hull_distances(tmp_path / "no-such.csv")


def test_the_published_table_is_read_and_agrees_with_pymatgen(reference_data, tmp_path):
    whole = gzip.decompress((reference_data / "hull" / "mp_e_hull_published_compositions.csv.gz").read_bytes())
    head = b"\n".join(whole.splitlines()[:3001])
    file = tmp_path / "head.csv"
    file.write_bytes(head)
    found = read_hull_distances(file)
    lowest = {}
    for line in head.decode().splitlines()[1:]:
        formula, energy = line.split(",")
        key = frozenset(Composition(formula).reduced_composition.as_dict().items())
        lowest[key] = min(float(energy), lowest.get(key, np.inf))
    alphabetical = {frozenset(Composition(one).as_dict().items()): energy for one, energy in found.items()}
    # A lone element is reduced to one atom here, and to its molecule in pymatgen.
    compounds = {key: energy for key, energy in lowest.items() if len(key) > 1}
    assert {key: energy for key, energy in alphabetical.items() if len(key) > 1} == compounds
    assert len(found) > 2900
