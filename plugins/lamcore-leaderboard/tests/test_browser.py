"""The site in a headless browser, opened from disk."""

import shutil
from pathlib import Path

import pytest

playwright = pytest.importorskip(
    "playwright.sync_api", reason="needs playwright: pip install 'lamcore-leaderboard[test]'"
)


@pytest.fixture(scope="module")
def browser():
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no chromium on this machine")
    with playwright.sync_playwright() as started:
        launched = started.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def opened(browser, made_site):
    """Open a page: `opened("index.html")`; at the end no error was logged and nothing asked of a network."""
    problems, contexts = [], []

    def go(path, width=1200, scheme="light", **more):
        context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme, **more)
        contexts.append(context)
        page = context.new_page()
        page.on(
            "console", lambda message: problems.append(message.text) if message.type in ("error", "warning") else None
        )
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("request", lambda request: problems.append(request.url) if request.url.startswith("http") else None)
        page.goto(f"file://{made_site}/{path}")
        page.wait_for_load_state("load")
        return page

    yield go
    for context in contexts:
        context.close()
    assert problems == []


def drawn(page):
    page.wait_for_selector("html[data-charts=drawn]", state="attached")
    return page


def shown(page):
    """Names of the rows that are shown, in order."""
    return page.eval_on_selector_all(
        "#standings tbody tr:not([hidden]) .name", "all => all.map(one => one.textContent.trim())"
    )


def test_every_page_loads_without_an_error_and_draws_its_charts(opened, made_site):
    own = [path for path in sorted(made_site.rglob("*.html")) if path.name != "report.html"]
    assert len(own) == 2 + 5 + 4
    for path in own:
        page = opened(str(path.relative_to(made_site)))
        visible = page.locator(".plot:visible").count()
        if visible:
            drawn(page)
            assert page.locator(".plot[data-drawn] svg.main-svg").count() >= visible


def test_the_charts_hold_as_many_marks_as_there_are_values(opened):
    page = drawn(opened("index.html"))
    assert page.locator("#bar-surfaces-0 .point path").count() == 5
    assert page.locator("#radar-0 .scatterlayer .trace").count() == 6
    assert page.locator("#tradeoff-0 .points path").count() == 5
    item = drawn(opened("items/surfaces.html"))
    assert item.locator("#parity-mae .points path").count() == 5 * 12 - 2
    assert item.locator("#spread-mae .points path, #spread-mae path.point").count() == 5 * 12 - 2


def test_clicking_a_header_sorts_and_clicking_again_turns_the_order(opened):
    page = opened("index.html")
    assert shown(page) == ["alpha", "beta", "Paper-1", "gamma", "Paper-2", "dummy", "delta", "part"]
    head = page.locator("#standings thead th").nth(1)
    assert head.get_attribute("aria-sort") == "ascending"
    page.click("#standings thead button[data-key=m-acc]")
    assert head.get_attribute("aria-sort") == "descending"
    assert shown(page) == ["delta", "dummy", "Paper-2", "gamma", "Paper-1", "beta", "alpha", "part"]
    page.click("#standings thead button[data-key=model]")
    assert head.get_attribute("aria-sort") is None
    assert shown(page) == ["alpha", "beta", "delta", "dummy", "gamma", "Paper-1", "Paper-2", "part"]


def test_higher_is_better_columns_sort_from_the_highest(opened):
    page = opened("index.html")
    page.click("#standings thead button[data-key=m-eff-amd-epyc]")
    assert shown(page)[:3] == ["delta", "beta", "alpha"]


def test_search_and_filters_leave_the_rows_that_fit_and_the_dummy(opened):
    page = opened("index.html")
    page.fill("input[name=q]", "academic")
    assert shown(page) == ["beta", "dummy"]
    assert page.inner_text("#count") == "1 of 7 models shown"
    page.click("button[type=reset]")
    page.wait_for_function("document.getElementById('count').textContent === '7 models'")
    page.select_option("select[name=kind]", "as published")
    assert shown(page) == ["Paper-1", "Paper-2", "dummy"]
    page.fill("input[name=q]", "nothing like it")
    assert page.locator(".nothing").is_visible()
    page.click("[data-clear]")
    page.wait_for_function("document.getElementById('count').textContent === '7 models'")
    assert len(shown(page)) == 8


def test_a_permalink_brings_order_filters_and_row_back(opened):
    page = opened("index.html")
    page.click("#standings thead button[data-key=model]")
    page.click("#standings thead button[data-key=model]")
    page.select_option("select[name=kind]", "measured")
    page.fill("input[name=q]", "a")
    page.click("#m-gamma .anchor")
    before = shown(page)
    fragment = page.evaluate("location.hash")
    assert page.get_attribute("#permalink", "href") == fragment
    again = opened(f"index.html{fragment}")
    assert shown(again) == before
    assert again.input_value("input[name=q]") == "a"
    assert again.input_value("select[name=kind]") == "measured"
    assert again.locator("#standings thead th").first.get_attribute("aria-sort") == "descending"
    assert "is-linked" in again.get_attribute("#m-gamma", "class")


def test_a_link_to_another_place_of_the_page_leaves_the_view_as_it_is(opened):
    page = opened("index.html")
    page.click("#standings thead button[data-key=model]")
    page.select_option("select[name=kind]", "as published")
    for selector in ("#m-paper-1-published a[href^='#source-']", ".skip", "nav a[href$='#tasks']"):
        page.eval_on_selector(selector, "link => link.click()")
        page.wait_for_timeout(50)
        assert shown(page) == ["dummy", "Paper-1", "Paper-2"], selector
        assert page.input_value("select[name=kind]") == "as published"


def test_a_link_to_a_row_leads_there(opened):
    page = opened("index.html#m-delta")
    assert "is-linked" in page.get_attribute("#m-delta", "class")
    assert page.locator("#m-delta").is_visible()


def test_a_permalink_that_names_what_is_not_there_shows_everything(opened):
    page = opened("index.html#sort=gone&order=sideways&kind=imaginary&row=m-nobody")
    assert len(shown(page)) == 8
    assert page.locator("#standings thead th").nth(1).get_attribute("aria-sort") == "ascending"


def test_the_theme_is_switched_remembered_and_reaches_the_charts(opened):
    page = drawn(opened("index.html"))
    ink = "getComputedStyle(document.querySelector('#radar-0 .legendtext')).fill"
    background = "getComputedStyle(document.body).backgroundColor"
    light, light_page = page.evaluate(ink), page.evaluate(background)
    page.click("#theme")
    page.wait_for_function(f"{ink} !== {light!r}")
    assert page.evaluate(background) != light_page
    dark = page.evaluate(ink)
    page.goto(page.url.replace("index.html", "methods.html"))
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    by_system = drawn(opened("index.html", scheme="dark"))
    assert by_system.evaluate(ink) == dark


def test_everything_can_be_reached_and_used_with_the_keyboard(opened):
    page = opened("index.html")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#main"
    reached = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.dataset.key || document.activeElement.name || ''"))
    assert {"q", "kind", "licence", "model", "m-acc", "failed"} <= reached
    page.focus("#standings thead button[data-key=m-acc]")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none"
    page.keyboard.press("Enter")
    assert shown(page)[0] == "delta"


@pytest.mark.parametrize("width", [360, 1400])
def test_no_page_is_wider_than_the_screen(opened, width):
    for path in ("index.html", "methods.html", "models/gamma.html", "items/surfaces.html"):
        page = opened(path, width=width)
        if page.locator(".plot").count():
            drawn(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_on_a_telephone_filters_are_folded_unless_one_is_in_force(opened):
    assert opened("index.html", width=390).locator("select[name=kind]").is_hidden()
    assert opened("index.html#kind=measured", width=390).locator("select[name=kind]").is_visible()
    assert opened("index.html", width=1200).locator("select[name=kind]").is_visible()


def test_a_choice_shows_one_chart_of_its_group(opened):
    page = drawn(opened("items/molecules.html"))
    select = page.locator("select[data-switch=panel]")
    assert page.locator("#panel-rmse-figure").is_hidden()
    select.select_option("panel-rmse")
    page.wait_for_selector("#spread-rmse[data-drawn]")
    assert page.locator("#panel-mae-figure").is_hidden()
    assert page.locator("#panel-rmse-figure").is_visible()


def test_text_has_contrast_in_both_themes(opened):
    """WCAG 2.1: 4.5 to 1 for text."""
    script = (Path(__file__).parent / "contrast.js").read_text()
    names = ["--ink", "--soft", "--accent", "--bad", "--good", "--dummy"]
    series = [f"--series-{number}" for number in range(8)] + ["--bar"]
    for scheme in ("light", "dark"):
        page = opened("methods.html", scheme=scheme)
        text, marks = page.evaluate(script, names), page.evaluate(script, series)
        assert {key: value for key, value in text.items() if value < 4.5} == {}, scheme
        assert {key: value for key, value in marks.items() if value < 3} == {}, scheme
