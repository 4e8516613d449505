import json
from collections import Counter

import gemmi
import numpy as np
import plotly.graph_objects as go
import pytest
from filled import fill
from lamcore_crystal.figures.chart import PALETTES, escape, log_ticks, short_count, themed, visible
from lamcore_crystal.figures.elements import elements_chart, place
from lamcore_crystal.figures.gates import Gate, gates_chart
from lamcore_crystal.figures.hull_distance import hull_distance_chart
from lamcore_crystal.figures.served import FIGURES, FigureError, figure_json
from lamcore_crystal.figures.space_groups import space_groups_chart, system_of
from lamcore_crystal.store.database import Database
from lamcore_crystal.store.schema import crystal, crystal_element
from pymatgen.core.periodic_table import Element
from sqlalchemy import event, func, select

EDGES = (-0.1, 0.0, 0.1, 0.2)


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    made = Database.create(tmp_path_factory.mktemp("figures") / "challenge.db")
    fill(made, 80)
    yield made
    made.close()


def served(database, name, theme="light"):
    with database.read() as connection:
        return json.loads(figure_json(connection, name, theme))


def sql(database, query):
    with database.read() as connection:
        return connection.execute(query).all()


def luminance(colour):
    channels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_each_element_of_the_periodic_table_has_its_period_and_group():
    for z in range(1, 119):
        row, column = place(z)
        element = Element.from_Z(z)
        if element.is_lanthanoid or element.is_actinoid:
            assert (row, column) == (8 if z < 72 else 9, z - (57 if z < 72 else 89) + 2)
        else:
            assert (row + 1, column + 1) == (element.row, element.group)
    assert len({place(z) for z in range(1, 119)}) == 118


def test_the_periodic_table_shows_the_counts_of_the_database(database):
    query = select(crystal_element.c.z, func.count()).group_by(crystal_element.c.z)
    counted = {Element.from_Z(z).symbol: n for z, n in sql(database, query)}
    figure = served(database, "elements")
    shown = {
        Element.from_Z(int(one[0].split()[0])).symbol: int(one[1])
        for row, values in zip(figure["data"][1]["customdata"], figure["data"][1]["z"], strict=True)
        for one, value in zip(row, values, strict=True)
        if value is not None
    }
    assert shown == counted
    drawn = [10**value for row in figure["data"][1]["z"] for value in row if value is not None]
    assert sorted(np.round(drawn).astype(int)) == sorted(counted.values())
    texts = dict(one.split("<br>") for one in figure["data"][2]["text"] if "<br>" in one)
    assert texts == {symbol: str(n) for symbol, n in counted.items()}
    assert [row[1] for row in figure["rows"]] == [str(n) for n in sorted(counted.values(), reverse=True)]


def test_an_element_that_does_not_exist_is_no_cell():
    with pytest.raises(ValueError, match="'Xx' is not the symbol of an element"):
        elements_chart({"Xx": 3}, 3)


@pytest.mark.parametrize("counts", [{}, {"Li": 1}, {"Li": 7, "O": 7}])
def test_a_periodic_table_with_one_count_or_none_is_still_a_figure(counts):
    chart = elements_chart(counts, 10)
    assert {row[0].split(" ")[0]: row[1] for row in chart.rows} == {symbol: str(n) for symbol, n in counts.items()}
    go.Figure(chart.figure)  # plotly refuses what it does not know


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_on_every_colour_of_the_scale_is_read(theme):
    palette = PALETTES[theme]
    stops = [palette[name] for name in ("low", "middle", "high")]
    for step in range(101):
        position = step / 50
        ends = stops[0:2] if position < 1 else stops[1:3]
        share = position - int(position) if position < 2 else 1.0
        mixed = [
            round((1 - share) * int(ends[0][i : i + 2], 16) + share * int(ends[1][i : i + 2], 16)) for i in (1, 3, 5)
        ]
        text = palette["on-low" if position < 1 else "on-high"]
        assert contrast(text, "#{:02x}{:02x}{:02x}".format(*mixed)) >= 4.5
    for name in ("ink", "soft", "good", "bad", *(f"series-{i}" for i in range(7))):
        assert contrast(palette[name], palette["panel"]) >= 4.5
    assert contrast(palette["soft"], palette["raised"]) >= 4.5


def test_the_bars_of_space_groups_are_the_counts_of_the_database(database):
    counted = dict(
        map(tuple, sql(database, select(crystal.c.space_group, func.count()).group_by(crystal.c.space_group)))
    )
    figure = served(database, "space-groups")
    bars = {x: y for trace in figure["data"] for x, y in zip(trace["x"], trace["y"], strict=True) if x is not None}
    assert bars == counted
    for trace in figure["data"]:
        system = trace["name"].split()[0]
        assert all(system_of(number) == system for number in trace["x"] if number is not None)


def test_each_space_group_belongs_to_its_crystal_system():
    for number in range(1, 231):
        assert system_of(number) == gemmi.find_spacegroup_by_number(number).crystal_system_str()


def test_a_number_that_is_no_space_group_is_refused():
    with pytest.raises(ValueError, match="231 is not a space group"):
        space_groups_chart({231: 1})


def test_the_distribution_counts_each_crystal_once_and_keeps_those_below_the_hull(database):
    distances = [row[0] for row in sql(database, select(crystal.c.energy_above_hull)) if row[0] is not None]
    assert min(distances) < 0
    stable, above = served(database, "hull-distance")["data"]
    assert sum(stable["y"]) == sum(one <= 1e-4 for one in distances)
    assert sum(above["y"]) == sum(one > 1e-4 for one in distances)
    below = sum(n for x, n in zip(stable["x"], stable["y"], strict=True) if x < 0)
    assert below == sum(one < 0 for one in distances)
    width = stable["width"]
    for x, n in [*zip(stable["x"], stable["y"], strict=True), *zip(above["x"], above["y"], strict=True)]:
        inside = [one for one in distances if x - width / 2 - 1e-9 <= one < x + width / 2 + 1e-9]
        assert n <= len(inside) or x > 1


def test_what_lies_beyond_the_bins_is_drawn_in_open_ones_and_said():
    chart = hull_distance_chart(EDGES, (2, 3, 5, 7, 11), stable=6, total=30)
    stable, above = chart.figure["data"]
    assert dict(zip(stable["x"], stable["y"], strict=True)) == pytest.approx({-0.15: 2, -0.05: 3, 0.05: 1})
    assert dict(zip(above["x"], above["y"], strict=True)) == pytest.approx({0.05: 4, 0.15: 7, 0.25: 11})
    assert "2 below -0.1 eV/atom and 11 at 0.2 eV/atom or more" in chart.note
    assert "2 of 30 crystals have no distance" in chart.note
    assert "6 of 28 crystals (21.4 %)" in chart.says


@pytest.mark.parametrize(
    ("edges", "counts", "stable", "message"),
    [
        (EDGES, (1, 2, 3), 1, "3 counts for 4 edges, expected 5"),
        ((0.1, 0.2), (1, 2, 3), 1, "no edge of the bins is 0"),
        (EDGES, (2, 3, 5, 7, 11), 4, "4 are stable, but 5 lie below 0"),
        (EDGES, (2, 3, 5, 7, 11), 11, "11 are stable, but 5 lie below 0 and 5 in the bin"),
    ],
)
def test_counts_that_contradict_each_other_are_not_drawn(edges, counts, stable, message):
    with pytest.raises(ValueError, match=message):
        hull_distance_chart(edges, counts, stable, 30)


def gate(submission_id, decision, n_passed, n_drawn=20, source="generator"):
    return Gate(submission_id, source, decision, 20, n_drawn, n_passed, 0.1, 0.6, 0.95, 0.3)


def test_each_submission_has_its_share_and_its_interval():
    chart = gates_chart([gate(3, "pass", 8), gate(2, "fail", 3), gate(1, "undecided", 0, n_drawn=0)], n_left_out=4)
    passed, failed, needed = chart.figure["data"]
    assert (passed["x"], failed["x"]) == ([40.0], [15.0])
    assert passed["x"][0] - passed["error_x"]["arrayminus"][0] == pytest.approx(10)
    assert passed["x"][0] + passed["error_x"]["array"][0] == pytest.approx(60)
    assert needed["x"] == [30.0, 30.0, 30.0]
    assert chart.rows[0] == ("3 generator", "passed", "8 of 20", "40.0 %, 10.0 to 60.0 %", "30 %", "20")
    assert chart.rows[2][3].startswith("–")
    assert "The newest 3 of 7 submissions" in chart.note


def test_a_source_cannot_write_tags_templates_or_hidden_characters_into_a_figure():
    source = "<a href='x'>%{x}</a>\u202e\n"
    chart = gates_chart([gate(1, "pass", 8, source=source)])
    drawn = json.dumps(chart.figure, ensure_ascii=False)
    assert "&lt;a href" in drawn
    assert not any(one in drawn for one in ("<a", "%{x}&lt;", "\u202e", "\\n"))
    assert escape("a<b>&%{y}") == "a&lt;b&gt;&amp;% {y}"
    assert visible("a\u202eb\x00") == "a\\u202eb\\u0000"
    assert visible("x" * 500, 10) == "x" * 9 + "…"


def test_gates_need_a_submission_and_a_decision_that_exists():
    with pytest.raises(ValueError, match="no submission has been at the gate"):
        gates_chart([])
    with pytest.raises(ValueError, match="decision 'perhaps', expected pass, fail, undecided"):
        gates_chart([gate(1, "perhaps", 1)])


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", ["elements", "space-groups", "hull-distance"])
def test_a_served_figure_is_one_that_plotly_takes_in_the_colours_of_its_theme(database, name, theme):
    figure = served(database, name, theme)
    go.Figure({"data": figure["data"], "layout": figure["layout"]})
    assert "var(--" not in json.dumps(figure)
    assert figure["layout"]["font"]["color"] == PALETTES[theme]["ink"]
    assert all((figure["title"], figure["says"], figure["note"], figure["rows"]))


def test_a_name_or_a_theme_that_does_not_exist_is_told_with_those_that_do(database):
    with database.read() as connection:
        with pytest.raises(FigureError, match="no figure 'hulls'; there are elements, space-groups"):
            figure_json(connection, "hulls")
        with pytest.raises(FigureError, match="no theme 'blue'; there are light and dark"):
            figure_json(connection, "elements", "blue")
        with pytest.raises(FigureError, match="no crystal is scored against an external hull"):
            figure_json(connection, "parity")
    assert tuple(FIGURES) == ("elements", "space-groups", "hull-distance", "parity")


def test_no_served_figure_of_counts_reads_the_table_of_crystals(database):
    statements = []
    with database.read() as connection:
        event.listen(connection, "before_cursor_execute", lambda *all_of_it: statements.append(all_of_it[2]))
        for name in ("elements", "space-groups", "hull-distance"):
            figure_json(connection, name)
    assert Counter("FROM statistic" in one for one in statements) == {True: 3}


def test_a_colour_is_put_in_only_where_the_whole_text_is_one():
    assert themed({"a": ["var(--ink)", "say var(--ink)", 3]}, "dark") == {
        "a": [PALETTES["dark"]["ink"], "say var(--ink)", 3]
    }


def test_counts_are_shortened_and_ticks_are_round():
    assert [short_count(n) for n in (7, 999, 1000, 1234, 34_400, 5_100_000)] == [
        "7",
        "999",
        "1k",
        "1.2k",
        "34k",
        "5.1M",
    ]
    assert log_ticks([0.0, np.log10(48)]) == [1, 2, 5, 10, 20]
    assert log_ticks([0.0, 4.2]) == [1, 10, 100, 1000, 10000]
    assert log_ticks([np.log10(7)]) == [7]
    assert log_ticks([np.log10(2), np.log10(4)]) == [2, 4]
    assert log_ticks([]) == []
