"""Every page as a file: valid HTML, links that lead somewhere, nothing from outside."""

import json
import re
from urllib.parse import unquote, urlsplit

import html5lib
import pytest


@pytest.fixture
def site(leaderboard, write_model, write_run):
    """A site with all that there can be: failures, gaps, hardware, markup in names."""
    write_model("good", scale=5, throughput=2.0)
    write_model('fail<b>ing</b> & "quoted"', scale=9, throughput=5.0, failed=(0, 3))
    write_model("m" * 120, scale=60, throughput=900.0, context="NVIDIA H200", n=12, max_cases=12)
    write_run("surfaces", "part", report=False)
    return leaderboard()[1]


def pages(site):
    return sorted(path for path in site.rglob("*.html") if "runs" not in path.relative_to(site).parts)


def parsed(path):
    return html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(path.read_text(encoding="utf-8"))


def test_there_is_a_page_for_each_model_and_task(site):
    relative = [str(path.relative_to(site)) for path in pages(site)]
    assert [name for name in relative if "/" not in name] == ["index.html", "methods.html"]
    assert sum(name.startswith("models/") for name in relative) == 4
    assert sum(name.startswith("items/") for name in relative) == 4


def test_every_page_is_valid_html_with_unique_ids(site):
    for path in pages(site):
        tree = parsed(path)
        ids = [element.get("id") for element in tree.iter() if element.get("id")]
        assert len(ids) == len(set(ids)), path
        assert tree.get("lang") == "en"
        assert len(tree.findall(".//h1")) == 1


def test_every_link_within_the_site_leads_to_a_file_and_an_anchor(site):
    checked = 0
    for path in pages(site):
        tree = parsed(path)
        targets = [element.get("href") for element in tree.iter() if element.get("href")]
        targets += [element.get("src") for element in tree.iter() if element.get("src")]
        for target in targets:
            parts = urlsplit(target)
            if parts.scheme:
                assert parts.scheme in ("https", "data"), target
                continue
            file = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            assert file.is_file(), f"{path}: {target}"
            if parts.fragment and file.suffix == ".html":
                assert any(element.get("id") == parts.fragment for element in parsed(file).iter()), target
            checked += 1
    assert checked > 100


def test_nothing_is_loaded_from_outside(site):
    for path in [*pages(site), site / "assets/board.css"]:
        loaded = re.findall(r"(?:src=|@import|url\()\s*[\"']?(https?:)?//", path.read_text(encoding="utf-8"))
        assert loaded == [], path
        for tag in re.findall(r"<link[^>]*>", path.read_text(encoding="utf-8")):
            assert "http" not in tag


def test_every_chart_has_words_and_a_table(site):
    for path in pages(site):
        tree = parsed(path)
        plots = [element for element in tree.iter("div") if element.get("class") == "plot"]
        figures = [element for element in tree.iter("figure")]
        assert len(plots) == len(figures)
        for plot in plots:
            assert plot.get("role") == "img"
            assert len(plot.get("aria-label")) > 20
        assert all(figure.find(".//table") is not None for figure in figures)


def test_names_are_shown_as_they_are_not_run(site):
    tree = parsed(site / "index.html")
    names = ["".join(element.itertext()) for element in tree.iter("span") if element.get("class") == "name"]
    assert 'fail<b>ing</b> & "quoted"' in names


def test_missing_values_say_why(site):
    (row,) = [row for row in parsed(site / "index.html").iter("tr") if row.get("id") == "m-part"]
    assert "no run of molecules, vibrations" in "".join(row.itertext())


def test_the_page_of_a_model_has_every_metric_with_its_cost(site):
    text = " ".join("".join(parsed(site / "models/good.html").itertext()).split())
    for wanted in ("mae", "success_rate", "throughput", "1 min 15 s in 1 session", "63 structures (252 atoms)"):
        assert wanted in text
    assert "AMD EPYC, 2 cores" in text
    assert "failed cases count at the dummy's error" in text


def test_the_methods_page_has_every_formula(site):
    text = "".join(parsed(site / "methods.html").itertext())
    document = json.loads((site / "data/leaderboard.json").read_text())
    for headline in document["suite"]["headlines"]:
        assert headline["formula"] in text


def test_the_report_of_each_run_comes_with_the_site(site):
    document = json.loads((site / "data/leaderboard.json").read_text())
    for row in document["rows"]:
        for run in row.get("runs", {}).values():
            assert (site / "runs" / run["run_id"] / "report.html").is_file() == (row["model"] != "part")


@pytest.mark.parametrize("published", ["true", "false"])
def test_one_model_with_one_run_makes_a_site(leaderboard, write_run, published):
    write_run("surfaces", "alone", n=1)
    status, site = leaderboard("--suite-option", f"published={published}")
    assert status == 0
    for path in pages(site):
        parsed(path)


def test_published_rows_alone_make_a_site(leaderboard, runs):
    status, site = leaderboard()
    assert status == 0
    for path in pages(site):
        parsed(path)


def test_when_every_case_failed_the_site_still_says_so(leaderboard, write_model):
    write_model("hopeless", scale=5, n=3, failed=(0, 1, 2))
    _, site = leaderboard()
    assert "9 of 9 cases failed" in "".join(parsed(site / "models/hopeless.html").itertext())
    for path in pages(site):
        parsed(path)


def test_sixty_models_make_a_site(leaderboard, write_model):
    for number in range(60):
        write_model(f"model-{number}", scale=5.0 + number, n=4, throughput=1.0 + number, report=False)
    _, site = leaderboard()
    rows = [row for row in parsed(site / "index.html").iter("tr") if row.get("class") == "measured"]
    assert len(rows) == 60
    assert (site / "index.html").stat().st_size < 1_500_000
