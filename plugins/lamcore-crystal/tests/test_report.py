import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest
from filled import fill
from lamcore_crystal.challenge import Challenge, ChallengeError
from lamcore_crystal.codes import CODES
from lamcore_crystal.figures.gates import Gate
from lamcore_crystal.report import facts as facts_module
from lamcore_crystal.report import write_report
from lamcore_crystal.report.facts import facts
from lamcore_crystal.store import schema
from lamcore_crystal.store.writing import add_event
from sqlalchemy import func, select, update

from lamcore.errors import ConfigError

HOSTILE = "<script>alert(1)</script>%{x}\u202e"
PHASES = [
    {"phase": "check", "n": 10, "wall_seconds": 2.0, "model_seconds": 0.0},
    {"phase": "relax", "n": 8, "wall_seconds": 30.0, "model_seconds": 27.0},
    {"phase": "check", "n": 5, "wall_seconds": 1.0, "model_seconds": 0.0},
    {"phase": "sample", "n": 4, "wall_seconds": 10.0, "model_seconds": 18.0},
]


class Page(HTMLParser):
    """Addresses that a page refers to, and its text outside scripts."""

    def __init__(self, path):
        super().__init__()
        self.addresses, self.tags, self.text, self._inside = [], [], "", None
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self._inside = tag
        self.addresses += [value for name, value in attributes if name in ("src", "href", "action", "data", "srcset")]
        assert not [name for name, _ in attributes if name.startswith("on")]

    def handle_endtag(self, _):
        self._inside = None

    def handle_data(self, data):
        if self._inside not in ("script", "style"):
            self.text += data


@pytest.fixture
def challenge(tmp_path):
    with Challenge.create(tmp_path / "challenge") as made:
        fill(made.database, 60)
        yield made


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A report with a hostile source and a reference, one for tests that only look."""
    folder = tmp_path_factory.mktemp("report")
    with Challenge.create(folder / "challenge") as made:
        fill(made.database, 60)
        with made.database.write() as connection:
            for table in (schema.submission, schema.crystal):
                hostile = update(table).where(table.c.source == "my-generator")
                connection.execute(hostile.values(source=HOSTILE))
            connection.execute(update(schema.challenge).values(name=HOSTILE))
            for details in PHASES:
                add_event(connection, "phase", details)
            formulas = connection.execute(select(schema.crystal.c.formula).distinct()).scalars().all()
        (folder / "<b>known.csv").write_text("formula,e_hull\n" + "".join(f"{one},0.1\n" for one in formulas))
        return write_report(made, folder / "site" / "report", folder / "<b>known.csv")


def document(page):
    return json.loads((page.parent / "data" / "report.json").read_text())


def n_of(connection, table, condition=True):
    return connection.execute(select(func.count()).select_from(table).where(condition)).scalar_one()


def test_the_page_refers_to_nothing_outside_its_folder(written):
    addresses = Page(written).addresses
    assert addresses
    for address in addresses:
        assert address == "data:," or (written.parent / address).is_file(), address
    for style in written.parent.glob("assets/*.css"):
        assert not re.search(r"url\(|@import|https?:", style.read_text())
    assert "http" not in (written.parent / "assets" / "report.js").read_text()


def test_text_of_the_database_is_text_in_the_page(written):
    page = Page(written)
    raw = written.read_text()
    assert "<script>alert(1)" in page.text
    assert "<script>alert(1)" not in raw
    assert "\u202e" not in raw
    assert "<b>" not in raw
    assert page.tags.count("script") == 2 + len(re.findall("data-figure", raw))


def test_the_figures_hold_the_text_escaped_for_plotly(written):
    figures = re.findall(r'<script type="application/json" data-figure="gates">(.*?)</script>', written.read_text())
    labels = json.loads(figures[0])["data"][0]["y"]
    assert any(label.startswith("1 &lt;script&gt;") for label in labels)


def test_counts_are_those_of_the_tables(challenge, tmp_path):
    found = document(write_report(challenge, tmp_path / "report"))
    with challenge.database.read() as connection:
        crystal, structure = schema.crystal, schema.structure
        assert found["statistics"]["total"] == n_of(connection, crystal)
        assert found["statistics"]["stable"] == n_of(connection, crystal, crystal.c.energy_above_hull <= 1e-4)
        assert found["n_submitted"] == n_of(connection, structure) + n_of(
            connection, schema.submitted_file, schema.submitted_file.c.is_read.is_(False)
        )
        for status, n in found["structures"].items():
            assert n == n_of(connection, structure, structure.c.status == status)
        codes = {one["code"]: one["n"] for one in found["codes"]}
        assert codes == {code: n_of(connection, structure, structure.c.code == code) for code in codes}
        assert sum(codes.values()) == n_of(connection, structure, structure.c.code.is_not(None))
    assert found["structures"]["failed"] > 0
    assert sum(found["submissions"].values()) == 5


def test_each_code_comes_with_its_meaning_and_what_to_do(written):
    text = Page(written).text
    for code in ("E_EMPTY", "E_DISORDER", "E_UNCONVERGED"):
        assert CODES[code].meaning in text
        assert CODES[code].advice in text
    assert "A code of an extension." in text  # E_THEIRS, which is none of ours


def test_time_is_summed_by_phase_and_its_share_outside_the_model_told_where_it_is_known(written):
    phases = {one["phase"]: one for one in document(written)["phases"]}
    assert (phases["check"]["n"], phases["check"]["wall_seconds"]) == (15, 3.0)
    assert phases["check"]["share_outside_model"] == 1.0
    assert phases["relax"]["share_outside_model"] == pytest.approx(0.1)
    assert phases["sample"]["share_outside_model"] is None  # more than the clock: several workers


def test_gates_are_those_of_the_submissions_the_newest_first(challenge, monkeypatch):
    with challenge.database.read() as connection:
        found = facts(connection)
        stored = dict(map(tuple, connection.execute(select(schema.submission.c.id, schema.submission.c.gate))))
    assert [one.submission_id for one in found.gates] == [3, 2, 1]
    for one in found.gates:
        assert isinstance(one, Gate)
        assert (one.low, one.high, one.n_passed) == tuple(
            stored[one.submission_id][k] for k in ("low", "high", "n_passed")
        )
    monkeypatch.setattr(facts_module, "MOST_GATES", 2)
    with challenge.database.read() as connection:
        found = facts(connection)
    assert ([one.submission_id for one in found.gates], found.n_gates_left_out) == ([3, 2], 1)


def test_the_leaderboard_counts_what_was_refused(written):
    page = written.read_text()
    rows = document(written)["leaderboard"]["submissions"]
    assert len(rows) == 5
    for row in rows:
        assert row["valid"]["share"] == pytest.approx(row["valid"]["n"] / row["n_submitted"])
        assert f'<td class="num">{row["n_submitted"]}</td>' in page


def test_the_parity_is_in_the_document_and_named_after_its_file(written):
    [parity] = document(written)["parity"]
    assert parity["reference"] == "<b>known"
    assert parity["agreement"]["n"] > 10
    assert "Parity with &lt;b&gt;known" in written.read_text()


def test_a_reference_that_shares_no_formula_is_said_and_not_drawn(challenge, tmp_path):
    (tmp_path / "other.csv").write_text("formula,e_hull\nPuO2,0\n")
    page = write_report(challenge, tmp_path / "report", tmp_path / "other.csv")
    assert "Nothing to compare with other" in Page(page).text
    assert 'data-figure="parity-0"' not in page.read_text()


def test_a_challenge_without_a_crystal_has_a_report(tmp_path):
    with Challenge.create(tmp_path / "challenge") as made:
        fill(made.database, 0)
        page = write_report(made, tmp_path / "report")
    assert "No crystal has been accepted yet" in Page(page).text


def test_an_earlier_report_is_replaced_as_a_whole(challenge, tmp_path):
    page = write_report(challenge, tmp_path / "report")
    (page.parent / "assets" / "of-an-older-version.js").write_text("old")
    assert write_report(challenge, tmp_path / "report") == page
    assert not (page.parent / "assets" / "of-an-older-version.js").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["challenge", "report"]


@pytest.mark.parametrize("document", [None, "{", "[]", '{"format": "another"}'])
def test_a_folder_of_other_files_is_not_touched(challenge, tmp_path, document):
    folder = tmp_path / "mine"
    (folder / "data").mkdir(parents=True)
    (folder / "thesis.tex").write_text("years of work")
    if document is not None:
        (folder / "data" / "report.json").write_text(document)
    with pytest.raises(ConfigError, match="holds files that are not a report's"):
        write_report(challenge, folder)
    assert (folder / "thesis.tex").read_text() == "years of work"


def test_a_file_in_the_place_of_the_folder_is_refused(challenge, tmp_path):
    (tmp_path / "report").write_text("")
    with pytest.raises(ConfigError, match="is a file, expected a folder"):
        write_report(challenge, tmp_path / "report")


def test_a_full_disk_leaves_the_earlier_report(challenge, tmp_path, monkeypatch):
    page = write_report(challenge, tmp_path / "report")
    before = page.read_bytes()

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(ChallengeError, match=r"cannot be written .*No space left.*; free some space"):
        write_report(challenge, tmp_path / "report")
    assert page.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["challenge", "report"]


def test_a_bad_reference_is_refused_before_anything_is_written(challenge, tmp_path):
    (tmp_path / "bad.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ConfigError, match=r"bad\.csv: its columns are 'a', 'b'"):
        write_report(challenge, tmp_path / "report", tmp_path / "bad.csv")
    assert not (tmp_path / "report").exists()


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no chromium on this machine")
    with playwright.sync_playwright() as started:
        launched = started.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.mark.parametrize(("width", "scheme"), [(1200, "light"), (360, "dark")])
def test_every_figure_is_drawn_without_a_network_on_wide_and_narrow_screens(browser, written, width, scheme):
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page, problems = context.new_page(), []
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("dialog", lambda dialog: problems.append(dialog.message))
    page.on("request", lambda request: problems.append(request.url) if request.url.startswith("http") else None)
    page.goto(f"file://{written}")
    page.wait_for_selector("html[data-figures=drawn]", state="attached")
    assert page.locator(".plot svg.main-svg").count() >= 5
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("#parity-0 .points path").count() > 10
    titles = page.eval_on_selector_all("#elements .textpoint text", "all => all.map(one => one.textContent)")
    assert len(titles) == 118
    assert any(re.search(r"\d", one) for one in titles) == (width > 640)
    before = page.evaluate("getComputedStyle(document.querySelector('#gates .xtick text')).fill")
    page.click("#theme")
    page.wait_for_function(f"getComputedStyle(document.querySelector('#gates .xtick text')).fill !== {before!r}")
    assert problems == []
    context.close()
