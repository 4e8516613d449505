"""The native API: what it answers against the database, what it refuses, and how."""

import io
import json
import re
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from ase.data import atomic_numbers
from ase.io import read
from lamcore_crystal.geometry import Geometry
from lamcore_crystal.leaderboard import leaderboard
from lamcore_crystal.store.schema import challenge as challenge_table
from lamcore_crystal.store.schema import crystal, hull_entry, structure, submission
from lamcore_crystal.store.statistics import statistics
from lamcore_crystal.web.errors import TooSlowError
from lamcore_crystal.web.site import Site
from lamcore_crystal.web.tokens import make_token, revoke_tokens
from pymatgen.core import Structure
from serving import filled_challenge, served
from sqlalchemy import func, select, update


@pytest.fixture(scope="module")
def challenge(tmp_path_factory):
    with filled_challenge(tmp_path_factory.mktemp("api") / "challenge") as challenge:
        yield challenge


@pytest.fixture(scope="module")
def client(challenge):
    with served(challenge) as client:
        yield client


@pytest.fixture(scope="module")
def rows(challenge):
    with challenge.database.read() as connection:
        return {row["id"]: dict(row) for row in connection.execute(select(crystal)).mappings()}


def everything(client, path, **parameters):
    items, after = [], None
    while True:
        given = parameters | ({} if after is None else {"after": after})
        answer = client.get(f"/api/v1/{path}", params=given).raise_for_status().json()
        items += answer["items"]
        after = answer["next"]
        if after is None:
            return items


def test_the_challenge_is_described_without_its_secret(client, challenge, rows):
    answer = client.get("/api/v1/challenge")
    described = answer.json()
    assert described["counts"]["crystals"] == len(rows)
    assert described["counts"]["submissions"] == 5
    assert described["counts"]["stable"] == sum(row["energy_above_hull"] <= 0 for row in rows.values())
    assert described["round"]["score"] == described["round"]["settings"]["score"]
    assert described["round"]["hull"]["n_entries"] > 5
    with challenge.database.read() as connection:
        secret = challenge.open_round(connection).secret
    assert secret not in answer.text


@pytest.mark.parametrize(
    ("parameters", "fits"),
    [
        ({"elements": "O,Ti"}, lambda row: {"O", "Ti"} <= set(row["chemical_system"].split("-"))),
        ({"any_of": "O, Cl"}, lambda row: bool({"O", "Cl"} & set(row["chemical_system"].split("-")))),
        ({"exclude": "O"}, lambda row: "O" not in row["chemical_system"].split("-")),
        ({"space_group": 225}, lambda row: row["space_group"] == 225),
        ({"max_hull": 0.02, "n_elements": 2}, lambda row: row["energy_above_hull"] <= 0.02 and row["n_elements"] == 2),
        ({"unique": "true", "novel": "true"}, lambda row: row["duplicate_in_database"] is None and row["is_novel"]),
        ({"source": "other-generator"}, lambda row: row["source"] == "other-generator"),
    ],
)
def test_a_search_finds_what_fits_page_by_page(client, rows, parameters, fits):
    found = everything(client, "crystals", **parameters, limit=3)
    assert [one["id"] for one in found] == [number for number in sorted(rows) if fits(rows[number])]
    assert len(found) > 1
    assert "geometry" not in found[0]


def test_a_crystal_is_shown_with_all_that_is_known_of_it(client, rows):
    for number, row in list(rows.items())[:8]:
        one = client.get(f"/api/v1/crystals/{number}").json()
        geometry = Geometry.unpack(row["geometry"])
        assert np.array_equal(one["cell"], geometry.cell)
        assert np.array_equal(one["fractional"], geometry.fractional)
        assert one["numbers"] == geometry.numbers.tolist()
        assert np.allclose(np.array(one["submitted"]["cell"]) * 1.01, one["cell"])
        assert sum(part["amount"] for part in one["decomposition"]) == pytest.approx(1)
        assert {part["formula"] for part in one["decomposition"]} == set(row["chemical_system"].split("-"))
        assert one["decomposition"][0]["origin"].startswith("reference:elements/")
        assert [step["kind"] for step in one["history"]] == ["submitted", "relaxed", "accepted", "scored"]
        assert one["history"][-1]["energy_above_hull"] == row["energy_above_hull"]
        assert one["relaxation"]["n_steps"] == 12
        assert one["results"][0]["hull_id"] == row["hull_id"]


def test_every_file_format_reads_back_as_the_crystal(client, rows):
    number, row = max(rows.items(), key=lambda one: one[1]["n_sites"])
    geometry = Geometry.unpack(row["geometry"])
    readers = {
        "cif": lambda text: read(io.StringIO(text), format="cif"),
        "poscar": lambda text: read(io.StringIO(text), format="vasp"),
        "extxyz": lambda text: read(io.StringIO(text), format="extxyz"),
        "json": lambda text: Structure.from_dict(json.loads(text)).to_ase_atoms(),
    }
    for name, reader in readers.items():
        response = client.get(f"/api/v1/crystals/{number}/file.{name}")
        assert re.fullmatch(rf'attachment; filename="crystal-{number}\.\w+"', response.headers["content-disposition"])
        atoms = reader(response.text)
        assert sorted(atoms.numbers) == sorted(geometry.numbers), name
        assert atoms.cell.cellpar() == pytest.approx(geometry.atoms().cell.cellpar(), abs=1e-4), name
        assert atoms.get_volume() == pytest.approx(geometry.volume, rel=1e-5)
    assert client.get(f"/api/v1/crystals/{number}/file.exe").status_code == 404


def test_raw_bytes_come_back_as_they_came_and_no_browser_shows_them(client, challenge, rows):
    number = min(rows)
    response = client.get(f"/api/v1/crystals/{number}/raw")
    assert response.content.startswith(b"data_")
    assert response.headers["content-type"] == "application/octet-stream"
    assert response.headers["content-disposition"] == f'attachment; filename="crystal-{number}-as-submitted.cif"'
    assert response.headers["x-content-type-options"] == "nosniff"


def test_similar_crystals_share_the_prototype_or_the_formula(client, rows):
    for number in list(rows)[:5]:
        for by in ("prototype", "formula"):
            found = everything(client, f"crystals/{number}/similar", by=by, limit=2)
            assert {one["id"] for one in found} == {other for other in rows if rows[other][by] == rows[number][by]}


def test_submissions_are_listed_and_counted(client, challenge):
    listed = everything(client, "submissions", limit=2)
    assert [one["id"] for one in listed] == [5, 4, 3, 2, 1]
    with challenge.database.read() as connection:
        for one in listed:
            shown = client.get(f"/api/v1/submissions/{one['id']}").json()
            query = select(structure.c.status, func.count()).where(structure.c.submission_id == one["id"])
            counts = {row.status: row[1] for row in connection.execute(query.group_by(structure.c.status))}
            assert {name: n for name, n in shown["counts"].items() if n and name != "total"} == counts
            assert shown["counts"]["total"] == sum(counts.values())
            row = connection.execute(select(submission).where(submission.c.id == one["id"])).one()
            assert (shown["status"], shown["gate"], shown["source"]) == (row.status, row.gate, row.source)
            assert shown["progress"]["files"] == row.n_files
            assert shown["progress"]["checked"] == (0 if row.status == "received" else row.n_files)
    whole = client.get("/api/v1/submissions/1").json()["progress"]
    assert whole["relaxed"] == whole["to_relax"] > 10
    waiting = client.get("/api/v1/submissions/4").json()["progress"]
    assert waiting["relaxed"] < waiting["to_relax"]


def test_each_refused_structure_has_its_code_and_what_to_do(client):
    refused = everything(client, "submissions/1/structures", status="refused", limit=1)
    assert {one["code"] for one in refused} >= {"E_EMPTY", "E_DISORDER"}
    for one in refused:
        assert one["message"]
        assert one["findings"]
    known = [one for one in refused if one["code"] in ("E_EMPTY", "E_DISORDER")]
    assert all(one["meaning"] and one["advice"] for one in known)
    failed = everything(client, "submissions/1/structures", status="failed")
    assert {one["code"] for one in failed} == {"E_UNCONVERGED"}
    assert "0.31 eV/Å" in failed[0]["message"]


def test_content_is_never_a_document(client):
    answer = client.get("/api/v1/submissions/1/structures?status=refused")
    assert "<script>" in answer.json()["items"][1]["message"]
    assert answer.headers["content-type"] == "application/json"
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_statistics_are_those_of_the_database(client, challenge):
    answer = client.get("/api/v1/statistics").json()
    with challenge.database.read() as connection:
        counts = statistics(connection)
    assert answer["total"] == counts.total
    assert answer["elements"] == counts.elements
    assert {int(number): n for number, n in answer["space_groups"].items()} == counts.space_groups
    assert sum(answer["hull_distance"]["counts"]) == counts.total
    assert len(answer["hull_distance"]["counts"]) == len(answer["hull_distance"]["edges"]) + 1


def test_hulls_are_listed_and_described(client, challenge):
    [listed] = client.get("/api/v1/hulls").json()["items"]
    shown = client.get(f"/api/v1/hulls/{listed['id']}").json()
    with challenge.database.read() as connection:
        formulas = sorted(connection.execute(select(hull_entry.c.formula)).scalars())
    assert shown["elements"] == formulas
    assert shown["n_stable"] == shown["n_entries"] == len(formulas)
    assert all(symbol in atomic_numbers for symbol in shown["elements"])


def test_a_diagram_has_the_stable_elements_of_its_system(client):
    answer = client.get("/api/v1/hulls/1/diagram/O-Ti").json()
    assert answer["elements"] == ["O", "Ti"]
    assert {one["formula"] for one in answer["entries"]} == {"O", "Ti"}
    assert [one["formation_energy_per_atom"] for one in answer["entries"]] == pytest.approx([0, 0])
    assert sorted(answer["facets"][0]) == [0, 1]
    assert client.get("/api/v1/hulls/1/diagram/Ti-O").json() == answer


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("crystals/999999", 404, "not_found"),
        ("crystals/99999999999999999999999999", 404, "not_found"),
        ("crystals/-1", 404, "not_found"),
        ("crystals/x", 422, "bad_parameter"),
        ("crystals?elements=Xx", 422, "bad_parameter"),
        ("crystals?elemnts=Li", 422, "bad_parameter"),
        ("crystals?space_group=231", 422, "bad_parameter"),
        ("crystals?max_hull=nan", 422, "bad_parameter"),
        ("crystals?limit=501", 422, "bad_parameter"),
        ("crystals?limit=0", 422, "bad_parameter"),
        ("crystals?sort=name", 422, "bad_parameter"),
        ("crystals?after=AAAA", 422, "bad_parameter"),
        ("crystals?formula=" + "A" * 500, 422, "bad_parameter"),
        ("crystals?wyckoff=225%3A%20%3Cscript%3E", 422, "bad_parameter"),
        ("submissions/77", 404, "not_found"),
        ("submissions/77/structures", 404, "not_found"),
        ("submissions?after=AAAA", 422, "bad_cursor"),
        ("submissions/1/structures?status=nonsense", 422, "bad_parameter"),
        ("hulls/9", 404, "not_found"),
        ("hulls/1/diagram/O", 422, "bad_parameter"),
        ("hulls/1/diagram/O-Xx", 404, "not_found"),
        ("nothing", 404, "not_found"),
    ],
)
def test_an_error_says_what_and_what_next(client, path, status, code):
    response = client.get(f"/api/v1/{path}")
    assert response.status_code == status
    error = response.json()["error"]
    assert set(error) == {"code", "message", "advice"}
    assert error["code"] == code
    assert error["message"]
    assert error["advice"]


def test_a_cursor_of_one_list_is_refused_by_another(client):
    after = client.get("/api/v1/submissions/1/structures?limit=1").json()["next"]
    for path in ("submissions/2/structures", "submissions/1/structures?status=passed", "submissions"):
        join = "&" if "?" in path else "?"
        assert client.get(f"/api/v1/{path}{join}after={after}").json()["error"]["code"] == "bad_cursor"
    damaged = after[:-2] + ("AA" if after[-2:] != "AA" else "BB")
    assert client.get(f"/api/v1/submissions/1/structures?after={damaged}").status_code == 422


def test_a_query_that_takes_too_long_is_stopped(challenge):
    site = Site(challenge, None, query_seconds=0.2)
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"
    with pytest.raises(TooSlowError, match=r"0\.2 s"), site.read() as connection:
        connection.exec_driver_sql(endless)
    with site.read() as connection:  # the connection is as good as before
        assert connection.execute(select(func.count()).select_from(crystal)).scalar_one() > 0


def test_nothing_is_served_from_elsewhere_and_headers_are_strict(client):
    for path in ("/", "/api/v1/challenge", "/v1/info", "/api/v1/nothing"):
        headers = client.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self'" in policy or "script-src" not in policy
        assert "unsafe-eval" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
    assert not re.search(r"src=.?https?://", client.get("/docs").text)
    described = client.get("/api/v1/openapi.json").json()
    assert {"/api/v1/crystals", "/api/v1/submissions", "/api/v1/leaderboard"} <= set(described["paths"])


def test_a_challenge_that_is_read_by_token_shows_nothing_without(tmp_path):
    with filled_challenge(tmp_path / "closed", 8) as challenge:
        with challenge.database.write() as connection:
            connection.execute(update(challenge_table).values(read_access="token"))
            reading = make_token(connection, "reader", "read")
            writing = make_token(connection, "writer", "submit")
        with served(challenge) as client:
            paths = ("/api/v1/challenge", "/api/v1/crystals", "/v1/structures", "/v1.2/info", "/v1/info")
            for path in paths:
                for headers in ({}, {"Authorization": "Bearer lam_" + "x" * 43}, {"Authorization": reading}):
                    response = client.get(path, headers=headers)
                    assert response.status_code == 401
                    assert response.headers["www-authenticate"] == "Bearer"
                    assert set(response.json()) == {"error"}
                for token in (reading, writing):
                    assert client.get(path, headers={"Authorization": f"Bearer {token}"}).status_code == 200
            with challenge.database.write() as connection:
                assert revoke_tokens(connection, "reader") == 1
            assert client.get(paths[0], headers={"Authorization": f"Bearer {reading}"}).status_code == 401


def test_a_server_error_tells_a_number_and_no_more(tmp_path):
    with filled_challenge(tmp_path / "broken", 4) as challenge:
        with challenge.database.write() as connection:
            connection.exec_driver_sql("DROP TABLE statistic")
        with served(challenge) as client:
            response = client.get("/api/v1/statistics")
    assert response.status_code == 500
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert "statistic" not in response.text
    assert re.search(r"number [0-9a-f]{8}", response.json()["error"]["message"])


def test_the_leaderboard_is_answered_with_intervals(client, challenge):
    with challenge.database.read() as connection:
        board = asdict(leaderboard(connection))
    assert client.get("/api/v1/leaderboard").json() == json.loads(json.dumps(board))


def test_the_document_of_the_api_names_every_address(client):
    document = (Path(__file__).parents[1] / "docs" / "api.md").read_text(encoding="utf-8")
    for path in client.get("/api/v1/openapi.json").json()["paths"]:
        stem = re.sub(r"\{(crystal|submission|hull)_id\}", "{id}", path)
        assert re.sub(r"\.\{extension\}|\{chemical_system\}", "", stem) in document, path
