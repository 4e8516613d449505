"""The page in a headless browser, before the real API of a filled challenge."""

import io
import shutil
import zipfile
from pathlib import Path

import pytest
from lamcore_crystal.store import schema
from lamcore_crystal.web.tokens import make_token
from opening import Opened, until
from page_server import COMPOUNDS, HOSTILE, page_challenge
from serving import Inbox, served
from sqlalchemy import update

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install playwright")

# Address → what is there when it is drawn.
PAGES = {
    "/": "#results[aria-busy=false]",
    "/crystals/{id}": "#viewer[data-atoms] canvas",
    "/hulls?hull=1&system=Fe-Li-O": "#diagram[data-drawn]",
    "/leaderboard": "#submissions table",
    "/statistics": "#space-groups[data-drawn]",
    "/submit": "#limits dd",
    "/submissions/1": "#files table",
    "/about": "#rules section",
    "/docs": "main section",
}


@pytest.fixture(scope="module")
def challenge(tmp_path_factory):
    return page_challenge(tmp_path_factory.mktemp("page") / "challenge", 90)


@pytest.fixture(scope="module")
def inbox():
    return Inbox()


@pytest.fixture(scope="module")
def client(challenge, inbox):
    with served(challenge, submit=inbox) as client:
        yield client


@pytest.fixture(scope="module")
def browser():
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no chromium on this machine")
    with playwright.sync_playwright() as started:
        arguments = ["--no-sandbox", "--enable-unsafe-swiftshader"]
        launched = started.chromium.launch(executable_path=program, args=arguments)
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def contexts():
    return {}


@pytest.fixture
def opened(browser, client, contexts):
    """At the end no error was logged, and nothing asked of another machine."""
    go = Opened(browser, str(client.base_url).rstrip("/"), contexts)
    yield go
    for page in go.pages:
        page.close()
    assert go.problems == []
    assert go.outside == []


@pytest.fixture(scope="module")
def crystal_id(client):
    return client.get("/api/v1/crystals?formula=FeLiO4P&limit=1").json()["items"][0]["id"]


def settled(page):
    page.wait_for_selector("#results[aria-busy=false]")
    return page


def formulas(page):
    return page.eval_on_selector_all("#results tbody td.lead", "all => all.map(one => one.textContent)")


def element(page, symbol):
    return page.locator(f"#periodic [data-symbol={symbol}]")


def test_clicks_on_the_periodic_table_cycle_and_search(opened, client):
    page = settled(opened("/"))
    assert page.locator("#periodic button").count() == 118
    with page.expect_response(lambda one: "elements=O" in one.url):
        element(page, "O").click()
    settled(page)
    wanted = [one["formula_pretty"] for one in client.get("/api/v1/crystals?elements=O&limit=25").json()["items"]]
    assert formulas(page) == wanted
    assert element(page, "O").get_attribute("aria-label") == "Oxygen, O: must be present"
    with page.expect_response(lambda one: "exclude=O" in one.url):
        element(page, "O").click()
    settled(page)
    assert formulas(page)
    assert not any("O" in one for one in formulas(page))
    assert element(page, "O").get_attribute("aria-pressed") == "mixed"
    element(page, "O").click()
    until(page, "location.search === ''")
    assert element(page, "O").get_attribute("aria-pressed") == "false"


def test_pages_follow_one_another_without_repetition_and_back_returns(opened, client):
    page = settled(opened("/"))
    total = client.get("/api/v1/statistics").json()["total"]
    seen = []
    while True:
        links = page.eval_on_selector_all("#results td.lead a", "all => all.map(one => one.getAttribute('href'))")
        seen.append(links)
        if page.locator("#next").is_disabled():
            break
        with page.expect_response(lambda one: "after=" in one.url):
            page.click("#next")
        settled(page)
    assert len(seen) > 2
    assert sum(map(len, seen)) == len({link for links in seen for link in links}) == total
    page.go_back()
    until(page, f"document.querySelector('#results td.lead a').getAttribute('href') === '{seen[-2][0]}'")
    assert page.inner_text("#page-number") == f"page {len(seen) - 1}"
    page.click("#results td.lead a")
    page.wait_for_selector("#crystal[aria-busy=false]")
    page.go_back()
    page.wait_for_selector("#results td.lead a")
    assert page.locator("#results td.lead a").first.get_attribute("href") == seen[-2][0]


def test_a_click_on_a_head_orders_by_it_and_the_next_turns_the_order(opened):
    page = settled(opened("/?max_hull=0.3"))
    for descending in (False, True):
        with page.expect_response(lambda one: "sort=energy_above_hull" in one.url):
            page.click("[data-sort=energy_above_hull]")
        settled(page)
        cells = page.eval_on_selector_all("#results tbody tr", "all => all.map(one => one.cells[4].textContent)")
        values = [float(one.replace("\u2212", "-")) for one in cells]
        assert values == sorted(values, reverse=descending)


def test_wrong_input_is_answered_with_what_is_wrong_and_what_to_do(browser, client):
    go = Opened(browser, str(client.base_url).rstrip("/"))
    page = settled(go("/?wyckoff=225%3A%20%21%21"))
    answer = client.get("/api/v1/crystals", params={"wyckoff": "225: !!"})
    assert answer.status_code == 422
    assert answer.json()["error"]["message"] in page.inner_text("#problem")
    page.fill("[name=wyckoff]", "")
    page.press("[name=wyckoff]", "Enter")
    page.wait_for_selector("#problem", state="hidden")
    assert formulas(page)
    missing = go("/crystals/999999", wait="#problem:not([hidden])")
    assert "999999" in missing.inner_text("#problem")
    none = go("/hulls?hull=1&system=Li-Xx", wait="#problem:not([hidden])")
    assert "Xx" in none.inner_text("#problem")


def test_html_in_names_is_shown_as_text_everywhere(opened, client):
    source = client.get("/api/v1/crystals", params={"source": HOSTILE, "limit": 1}).json()["items"][0]
    pages = ["/", f"/crystals/{source['id']}", "/leaderboard", "/statistics", "/submit", "/submissions/2"]
    for path in [*pages, "/hulls?hull=1&system=Li-O"]:
        page = opened(path, wait=f"main :text({HOSTILE[:12]!r})")
        assert page.locator("main img, main b:text-is('bold'), main script").count() == 0, path
        assert "owned" not in page.title(), path
    refused = opened("/submissions/1", wait="#files table")
    assert "half<b>bold</b>.cif" in refused.inner_text("#files")
    assert "<script>alert(1)</script>" in refused.inner_text("#files")


def test_a_structure_is_drawn_in_three_dimensions_and_turned_with_the_keyboard(opened, crystal_id):
    page = opened(f"/crystals/{crystal_id}", width=360, wait="#viewer[data-atoms] canvas")
    atoms = int(page.get_attribute("#viewer", "data-atoms"))
    assert atoms > 28  # those on faces are drawn on both
    # What the canvas holds is there only while it is being drawn: a picture of the page shows it.
    before = page.locator("#viewer").screenshot()
    page.focus("#viewer")
    for _ in range(4):
        page.keyboard.press("ArrowLeft")
    assert page.locator("#viewer").screenshot() != before
    page.select_option("#cells", "2")
    until(page, f"Number(document.getElementById('viewer').dataset.atoms) > 4 * {atoms}")
    page.click("#show-submitted")
    assert page.get_attribute("#show-submitted", "aria-pressed") == "true"


def test_a_structure_tells_its_numbers_with_units_and_its_formula_with_subscripts(opened, client, crystal_id):
    page = opened(f"/crystals/{crystal_id}", wait="#crystal[aria-busy=false]")
    one = client.get(f"/api/v1/crystals/{crystal_id}").json()
    assert page.locator("#formula sub").inner_text() == "4"
    energies = page.inner_text("#energies").replace("\u2212", "-")
    assert f"{one['energy_above_hull']:.3f} eV/atom" in energies
    assert "Pnma (62)" in page.inner_text("#symmetry")
    # The submitted cell is 1 % smaller in each direction.
    changes = page.eval_on_selector_all("#comparison tbody tr", "all => all.map(row => row.cells[3].textContent)")
    assert changes == ["1.00"] * 3 + ["0.00"] * 3 + ["3.03"]
    with page.expect_download() as download:
        page.click("#downloads a:text-is('CIF')")
    assert b"_cell_length_a" in Path(download.value.path()).read_bytes()


def test_hull_diagrams_hold_every_entry_and_mark_the_stable_ones(opened):
    page = opened("/hulls?hull=1&system=Li-O", wait="#diagram[data-drawn]")
    stable = page.eval_on_selector_all(
        "#entries tbody tr", "all => all.filter(row => row.querySelector('.good')).map(row => row.cells[0].textContent)"
    )
    assert sorted(stable) == ["Li", "Li2O", "LiO", "O"]
    assert page.locator("#diagram .points path").count() == 5
    page.fill("#system", "o fe li")
    page.press("#system", "Enter")
    page.wait_for_selector("#diagram .ternary .points path")
    assert page.locator("#diagram .ternary .points path").count() == len(COMPOUNDS) + 3
    page.go_back()
    until(page, "document.getElementById('diagram-title').textContent.startsWith('Li-O')")


def test_the_statistics_are_those_of_the_server_in_words_and_figures(opened, client):
    page = opened("/statistics", wait="#space-groups[data-drawn]")
    statistics = client.get("/api/v1/statistics").json()
    for name in ("space-groups", "hull-distance"):
        figure = client.get(f"/api/v1/figures/{name}").json()
        until(page, f"document.getElementById('{name}-text').textContent.length > 20")
        assert page.inner_text(f"#{name}-text") == f"{figure['says']} {figure['note']}"
        drawn = page.evaluate(f"document.getElementById('{name}').data.flatMap((trace) => Array.from(trace.y))")
        assert sum(n or 0 for n in drawn) == statistics["total"]
    assert {"E_EMPTY", "E_DISORDER"} <= set(statistics["codes"])
    assert statistics["code_meanings"]["E_EMPTY"] in page.inner_text("#codes")
    assert f"{statistics['stable']} of them stable" in page.inner_text("#total")
    ink = "document.querySelector('#space-groups .xtick text').style.fill"
    before = page.evaluate(ink)
    page.emulate_media(color_scheme="dark")
    until(page, f"{ink} !== {before!r}")
    with page.expect_navigation():
        page.evaluate("document.getElementById('space-groups').emit('plotly_click', { points: [{ x: 62 }] })")
    assert page.url.endswith("/?space_group=62")


def test_an_upload_arrives_and_leads_to_its_page(opened, challenge, inbox, tmp_path):
    with challenge.database.write() as connection:
        token = make_token(connection, "page", "submit")
    file = tmp_path / "mine.cif"
    file.write_bytes(b"data_mine\n")
    page = opened("/submit", wait="#limits dd")
    page.set_input_files("#files", file)
    assert "10 B" in page.inner_text("#chosen")
    page.fill("[name=source]", "from-the-page")
    page.fill("[name=submitter]", "A. Tester")
    page.fill("[name=token]", token)
    page.click("button.main:text('Upload')")
    page.wait_for_url("**/submissions/1")
    [(data, fields)] = inbox.received
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert [archive.read(one) for one in archive.namelist()] == [b"data_mine\n"]
    assert fields["source"] == "from-the-page"
    assert fields["licence"] == "CC-BY-4.0"


def test_a_wrong_token_keeps_the_form_and_says_what_to_do(browser, client, inbox, tmp_path):
    before = len(inbox.received)
    page = Opened(browser, str(client.base_url).rstrip("/"))("/submit", wait="#limits dd")
    (tmp_path / "mine.cif").write_bytes(b"data_mine\n")
    page.set_input_files("#files", tmp_path / "mine.cif")
    for name, value in {"source": "s", "submitter": "t", "token": "wrong"}.items():
        page.fill(f"[name={name}]", value)
    page.click("button.main:text('Upload')")
    page.wait_for_selector("#failure:not([hidden])")
    assert "unauthorized" in page.inner_text("#failure")
    assert page.input_value("[name=source]") == "s"
    assert len(inbox.received) == before


def test_a_submission_is_watched_until_it_is_finished(opened, challenge):
    page = opened("/submissions/5", wait="#steps .now")
    assert page.inner_text("#steps .now") == "received"
    with challenge.database.write() as connection:
        row = schema.submission.c.id == 5
        connection.execute(update(schema.submission).where(row).values(status="evaluated"))
    until(page, "document.getElementById('live').textContent === 'Finished.'", 15)
    assert page.locator("#steps .done").count() == 4
    with challenge.database.write() as connection:
        connection.execute(update(schema.submission).where(row).values(status="received"))


def test_every_refused_file_has_its_code_and_advice(opened):
    page = opened("/submissions/1", wait="#files table")
    codes = page.eval_on_selector_all("#files td.lead", "all => all.map(one => one.textContent)")
    assert codes == ["E_EMPTY", "E_THEIRS", "E_DISORDER"]
    assert "The file holds nothing." in page.inner_text("#files")
    assert page.locator("#files .advice").count() >= 2
    assert page.inner_text("#gate").startswith("passed: 18 of 20")


@pytest.mark.parametrize("is_late", [False, True])
def test_a_challenge_read_by_token_asks_for_it_once(browser, tmp_path, is_late):
    closed = page_challenge(tmp_path / "closed", 12)
    with closed.database.write() as connection:
        connection.execute(update(schema.challenge).values(read_access="token"))
        token = make_token(connection, "reader", "read")
    with served(closed) as client:
        page, held = browser.new_page(), []
        if is_late:  # the answer to what was asked without a token comes after the token was given

            def hold_the_first(route):
                if held:
                    route.continue_()
                else:
                    held.append(route)

            page.route("**/api/v1/crystals?*", hold_the_first)
        page.goto(f"{client.base_url}")
        page.wait_for_selector("#token-dialog[open]")
        page.fill("#token-input", token)
        page.press("#token-input", "Enter")
        page.wait_for_selector("#token-dialog", state="hidden")
        for route in held:
            route.continue_()
        assert len(held) == is_late
        page.wait_for_selector("#results td.lead")
        page.reload()
        page.wait_for_selector("#results td.lead")
        assert not page.locator("#token-dialog").is_visible()
        page.close()


def test_everything_is_reached_with_the_keyboard_alone(opened):
    page = settled(opened("/"))
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    focused = "document.activeElement.dataset.symbol"
    assert page.evaluate(focused) == "H"
    path = [("ArrowDown", "Li"), ("ArrowRight", "Be"), ("ArrowRight", "B"), ("End", "Ne"), ("ArrowLeft", "F")]
    for key, symbol in [*path, ("ArrowLeft", "O")]:
        page.keyboard.press(key)
        assert page.evaluate(focused) == symbol
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
    with page.expect_response(lambda one: "elements=O" in one.url):
        page.keyboard.press("Enter")
    assert page.evaluate(focused) == "O"
    names = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        names.add(
            page.evaluate(
                "document.activeElement.name || document.activeElement.id || document.activeElement.dataset.sort"
            )
        )
    assert {"mode", "formula", "wyckoff", "max_hull", "unique", "energy_above_hull"} <= names


def test_no_page_is_wider_than_the_screen_of_a_phone(opened, crystal_id):
    for path, drawn in PAGES.items():
        page = opened(path.format(id=crystal_id), width=360, wait=drawn)
        for width in (360, 1400):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        text = page.inner_text("main")
        assert not any(one in text for one in ("[object", "undefined", "NaN", "· ·")), path
        page.close()


def test_text_has_contrast_in_light_and_dark(opened):
    """WCAG 2.1: 4.5 to 1."""
    inks = ["--ink", "--soft", "--accent", "--good", "--bad"]
    pairs = [[ink, ground] for ink in inks for ground in ("--bg", "--panel")]
    pairs += [["--on-mark", "--not"], ["--ink", "--raised"], ["--soft", "--raised"], ["--panel", "--accent"]]
    script = (Path(__file__).parent / "contrast.js").read_text()
    grounds = set()
    for scheme in ("light", "dark"):
        page = opened("/about", scheme=scheme)
        found = page.evaluate(script.strip().removesuffix(";"), pairs)
        assert {name: value for name, value in found.items() if value < 4.5} == {}, scheme
        grounds.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert len(grounds) == 2


def test_what_is_loaded_moves_nothing_that_was_there(opened, crystal_id):
    """Cumulative layout shift below 0.1, as web.dev calls good."""
    script = """new Promise((done) => { let sum = 0;
        new PerformanceObserver((all) => { for (const one of all.getEntries())
            if (!one.hadRecentInput) sum += one.value; })
        .observe({ type: "layout-shift", buffered: true }); setTimeout(() => done(sum), 300); })"""
    for path in ("/", "/crystals/{id}", "/statistics"):
        page = opened(path.format(id=crystal_id), wait=PAGES[path])
        assert page.evaluate(script) < 0.1, path


def test_pages_allow_no_script_but_their_own_and_are_not_sent_twice(client):
    answer = client.get("/")
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "'unsafe-eval'" not in policy
    assert "<script>" not in answer.text
    assert client.get("/", headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
    plain = client.get("/static/plotly.js", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.text == client.get("/static/plotly.js").text
    for path in ("/static/../__init__.py", "/static/%2e%2e/__init__.py", "/static/..%2f__init__.py"):
        assert client.get(path).status_code == 404
