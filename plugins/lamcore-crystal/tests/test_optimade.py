"""The OPTIMADE service: against optimade's own validator and models, and against the database."""

import numpy as np
import pytest
from lamcore_crystal.geometry import Geometry
from lamcore_crystal.store.schema import crystal
from optimade.models import (
    EntryInfoResponse,
    ErrorResponse,
    InfoResponse,
    LinksResponse,
    StructureResponseMany,
    StructureResponseOne,
)
from optimade.validator import ImplementationValidator
from serving import filled_challenge, served
from sqlalchemy import select, update

# optimade's own models read a field of pydantic in a way that is going out of use.
pytestmark = pytest.mark.filterwarnings("ignore:Accessing the 'model_fields' attribute")


@pytest.fixture(scope="module")
def challenge(tmp_path_factory):
    with filled_challenge(tmp_path_factory.mktemp("optimade") / "challenge") as challenge:
        with challenge.database.write() as connection:  # some of no known distance to a hull
            without = update(crystal).where(crystal.c.id % 7 == 0)
            connection.execute(without.values(energy_above_hull=None, formation_energy_per_atom=None))
        yield challenge


@pytest.fixture(scope="module")
def client(challenge):
    with served(challenge) as client:
        yield client


@pytest.fixture(scope="module")
def rows(challenge):
    with challenge.database.read() as connection:
        return {row["id"]: dict(row) for row in connection.execute(select(crystal)).mappings()}


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_optimades_own_validator_finds_no_fault(client, capsys):
    validator = ImplementationValidator(
        base_url=f"{str(client.base_url).rstrip('/')}/v1", run_optional_tests=True, verbosity=-1, page_limit=7
    )
    validator.validate_implementation()
    results = validator.results
    assert results.failure_messages == []
    assert results.internal_failure_messages == []
    assert results.optional_failure_messages == []
    assert validator.valid
    assert results.success_count > 40


@pytest.mark.parametrize(
    ("path", "model"),
    [
        ("/v1/info", InfoResponse),
        ("/v1/info/structures", EntryInfoResponse),
        ("/v1/links", LinksResponse),
        ("/v1/structures?page_limit=100", StructureResponseMany),
        ("/v1.2/structures?page_limit=3", StructureResponseMany),
        ('/v1.2.0/structures?filter=elements HAS "O"', StructureResponseMany),
    ],
)
def test_responses_fit_the_models_of_optimade(client, path, model):
    response = client.get(path)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("application/vnd.api+json")
    model(**response.json())


def test_a_structure_is_the_relaxed_crystal(client, rows):
    listed = client.get("/v1/structures?page_limit=500").json()["data"]
    assert {int(one["id"]) for one in listed} == set(rows)
    for one in listed:
        row, attributes = rows[int(one["id"])], one["attributes"]
        geometry = Geometry.unpack(row["geometry"])
        atoms = geometry.atoms()
        assert np.allclose(attributes["lattice_vectors"], atoms.cell.array)
        assert np.allclose(attributes["cartesian_site_positions"], atoms.positions)
        assert attributes["species_at_sites"] == list(atoms.symbols)
        assert attributes["elements"] == sorted(set(atoms.symbols))
        assert sum(attributes["elements_ratios"]) == pytest.approx(1)
        assert attributes["space_group_it_number"] == row["space_group"]
        assert attributes["_lam_energy_above_hull"] == row["energy_above_hull"]
        assert attributes["_lam_source"] == row["source"]
        assert attributes["_lam_model"] == "lennard-jones"


def test_one_structure_is_answered_with_the_fields_asked_for(client, rows):
    number = min(rows)
    one = client.get(f"/v1/structures/{number}?response_fields=nsites,_lam_wyckoff,assemblies,_mp_x").json()
    StructureResponseOne.model_validate(client.get(f"/v1/structures/{number}").json())
    attributes = {"nsites": rows[number]["n_sites"], "_lam_wyckoff": rows[number]["wyckoff"]}
    assert one["data"]["attributes"] == {**attributes, "assemblies": None, "_mp_x": None}


@pytest.mark.parametrize("sort", ["id", "-id", "_lam_energy_above_hull", "-_lam_energy_above_hull", "_lam_source"])
def test_pages_give_everything_once_and_in_order(client, rows, sort):
    path = f"/v1/structures?page_limit=7&sort={sort}&response_fields=id"
    seen, n_pages = [], 0
    while path:
        answer = client.get(path).json()
        seen += [int(one["id"]) for one in answer["data"]]
        path, n_pages = answer["links"]["next"], n_pages + 1
        assert answer["meta"]["more_data_available"] == (path is not None)
        assert answer["meta"]["data_returned"] == answer["meta"]["data_available"] == len(rows)
    assert n_pages == -(-len(rows) // 7)
    name = {"id": "id", "_lam_energy_above_hull": "energy_above_hull", "_lam_source": "source"}[sort.lstrip("-")]
    known = sorted(
        (one for one in rows if rows[one][name] is not None),
        key=lambda one: (rows[one][name], one),
        reverse=sort.startswith("-"),
    )
    unknown = sorted((one for one in rows if rows[one][name] is None), reverse=sort.startswith("-"))
    assert seen == known + unknown


def test_a_filter_keeps_to_its_pages(client, rows):
    filter_ = 'elements HAS "O" AND _lam_is_novel = TRUE'
    wanted = [one for one in sorted(rows) if "O" in rows[one]["chemical_system"].split("-") and rows[one]["is_novel"]]
    assert len(wanted) > 4
    seen, path = [], f"/v1/structures?page_limit=2&filter={filter_}"
    while path:
        answer = client.get(path).json()
        assert answer["meta"]["data_returned"] == len(wanted)
        seen += [int(one["id"]) for one in answer["data"]]
        path = answer["links"]["next"]
    assert seen == wanted


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/structures?filter=foo=2", 400),
        ("/v1/structures?filter=nelements=nsites", 501),
        ("/v1/structures?page_limit=501", 403),
        ("/v1/structures?page_limit=-1", 400),
        ("/v1/structures?page_limit=1e9", 400),
        ("/v1/structures?page_above=x", 400),
        ("/v1/structures?page_above=99999999999999999999999", 400),
        ("/v1/structures?sort=-_lam_score&page_above=AAAA", 400),
        ("/v1/structures?sort=_lam_energy_above_hull&page_above=AAAA", 400),
        ("/v1/structures?sort=nelements", 400),
        ("/v1/structures?sort=id,_lam_source", 501),
        ("/v1/structures?nonsense=1", 400),
        ("/v1/structures?filter=nelements=2&filter=nelements=3", 400),
        ("/v1/structures?response_fields=foo", 400),
        ("/v1/structures?response_format=xml", 400),
        ("/v1/structures?include=elsewhere", 400),
        ("/v1/structures/999999999", 404),
        ("/v1/structures/..%2f..%2fetc", 404),
        ("/v1/structures/99999999999999999999999", 404),
        ("/v1/versions", 404),
        ("/v1/nothing", 404),
        ("/v0/info", 553),
        ("/v2.1/structures", 553),
    ],
)
def test_what_is_wrong_is_answered_as_optimade_does(client, path, status):
    response = client.get(path)
    assert response.status_code == status
    error = ErrorResponse(**response.json()).errors[0]
    assert error.status == str(status)
    assert error.detail


def test_what_is_not_ours_is_warned_of(client):
    answer = client.get("/v1/structures?_nobody_parameter=1&filter=_nobody_x=1 OR nelements=1").json()
    assert len(answer["meta"]["warnings"]) == 2
    assert all(one["type"] == "warning" for one in answer["meta"]["warnings"])
    assert answer["data"]
