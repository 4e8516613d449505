"""Cursors whose check is right and whose content is not: no secret is in the check, so that anyone can make one."""

import base64
import hashlib
import json

import pytest
from lamcore_crystal.store.query import CrystalQuery
from lamcore_crystal.store.search import _fingerprint
from serving import filled_challenge, served


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    with filled_challenge(tmp_path_factory.mktemp("forged") / "challenge", 8) as challenge, served(challenge) as client:
        yield client


def forged(place, purpose=None):
    content = (place if isinstance(place, str) else json.dumps(place)).encode()
    check = hashlib.sha256((b"" if purpose is None else purpose.encode() + b"\0") + content).digest()[:6]
    return base64.urlsafe_b64encode(check + content).decode().rstrip("=")


@pytest.mark.parametrize(
    "place", [[], [1, 2], ["x"], [[1]], [{}], [None], [10**30], [-1], [1.5], [True], {}, "[" * 1400 + "]" * 50]
)
def test_a_forged_cursor_of_a_list_is_refused(client, place):
    for path, purpose in (("submissions", "submissions"), ("submissions/1/structures", "structures of 1 None")):
        response = client.get(f"/api/v1/{path}", params={"after": forged(place, purpose)})
        assert (response.status_code, response.json()["error"]["code"]) == (422, "bad_cursor")


@pytest.mark.parametrize(
    "place",
    [
        *([], ["{}"], ["{}", 1], ["{}", "x", None], ["{}", [1], None], ["{}", 10**30, None], ["{}", None, None]),
        *(["{}", 1, "x"], ["{}", 1, [1]], ["{}", 1, 10**400], ["{}", 1, True], '["{}", 1, NaN]', "[" * 300, "5", {}),
    ],
)
def test_a_forged_cursor_of_a_search_is_refused(client, place):
    mark = _fingerprint(CrystalQuery(sort="energy_above_hull"))
    content = (place if isinstance(place, str) else json.dumps(place)).replace("{}", mark)
    parameters = {"sort": "energy_above_hull", "after": forged(content)}
    response = client.get("/api/v1/crystals", params=parameters)
    assert (response.status_code, response.json()["error"]["code"]) == (422, "bad_parameter")
    assert "cursor" in response.json()["error"]["message"]


@pytest.mark.parametrize(
    ("sort", "place"),
    [
        *(("_lam_energy_above_hull", place) for place in ([], [1], [1, [1]], [{}, 1], [[1], 1], ["x", 1], [1, "y"])),
        *(
            ("_lam_energy_above_hull", place)
            for place in ([1, None], [None, 10**30], [True, 1], "[NaN, 1]", "[" * 1400)
        ),
        *(("_lam_source", place) for place in ([5, 1], [[1], 1], ["a\0", 1], ["\ud800", 1])),
    ],
)
def test_a_forged_cursor_of_optimade_is_refused(client, sort, place):
    parameters = {"sort": sort, "page_above": forged(place, f"optimade {sort}")}
    response = client.get("/v1/structures", params=parameters)
    assert response.status_code == 400
    assert "page_above" in response.json()["errors"][0]["detail"]
