from __future__ import annotations

import json

import pytest
from ase import Atoms
from ase.build import bulk
from challenges import MODEL, make_challenge, rows, write_cifs
from lamcore_crystal.challenge import Challenge
from lamcore_crystal.figures.comparison import with_external_hull
from lamcore_crystal.references import ReferenceFileError, element_set, named_external_hull
from lamcore_crystal.stages.close import close
from lamcore_crystal.stages.evaluate import evaluate
from lamcore_crystal.stages.init import init
from lamcore_crystal.stages.submit import submit
from lamcore_crystal.store.schema import crystal, hull, hull_entry, result, round_
from lamcore_crystal.web.views.crystals import crystal_view

from lamcore.errors import ConfigError

TABLE = "formula,formation_energy_per_atom\nNi4Al4,-0.6\nFe2O3,-1.5\n"


def test_accepted_crystals_are_measured_from_an_external_hull_as_well(tmp_path):
    (tmp_path / "dft.csv").write_text(TABLE)
    folder = tmp_path / "challenge"
    make_challenge(folder, external=[named_external_hull(f"PBE={tmp_path / 'dft.csv'}")])
    entries = rows(folder, hull_entry, order=hull_entry.c.position)
    external = [row for row in rows(folder, hull, order=hull.c.id) if row["kind"] == "external"]
    assert [(row["name"], row["n_entries"], row["model_id"]) for row in external] == [("PBE", 4, None)]
    # Iron is none of the model's elements; elements that a table leaves out are at zero.
    of_external = {row["formula"]: row["energy_per_atom"] for row in entries if row["hull_id"] == external[0]["id"]}
    assert of_external == {"Al": 0.0, "AlNi": -0.6, "Ni": 0.0, "O": 0.0}

    alloy = Atoms("NiAl", scaled_positions=[(0, 0, 0), (0.5, 0.5, 0.5)], cell=[2.9] * 3, pbc=True)
    files = write_cifs(tmp_path / "files", {"cu.cif": bulk("Cu"), "nial.cif": alloy})
    with Challenge.open(folder) as challenge:
        submit(challenge, files, source="generator")
        evaluate(challenge)
        close(challenge)
        with challenge.database.read() as connection:
            compared = with_external_hull(connection)
            assert connection.execute(round_.select()).all()[-1].hull_id != external[0]["id"]
            (number,) = [row["id"] for row in rows(folder, crystal, order=crystal.c.id) if row["formula"] == "AlNi"]
            shown = crystal_view(connection, number)
    found = {row["name"]: row for row in rows(folder, crystal, order=crystal.c.id)}
    # Copper has no entry in the external hull, so there is nothing to compare it with.
    assert compared.names == ["AlNi"]
    assert compared.references == pytest.approx([found["nial.cif"]["formation_energy_per_atom"] + 0.6], abs=1e-12)
    assert compared.predictions == [found["nial.cif"]["energy_above_hull"]]
    against = [row for row in rows(folder, result, order=result.c.structure_id) if row["hull_id"] == external[0]["id"]]
    assert [row["score"] for row in against] == [None]
    assert [one["hull_name"] for one in shown["results"]].count("PBE") == 1


def test_computed_entries_are_measured_from_their_own_elements(tmp_path):
    entries = [("Ni2", -10.0), ("Al", -3.0), ("NiAl", -9.2)]
    content = [{"composition": _amounts(formula), "energy": energy, "entry_id": formula} for formula, energy in entries]
    (tmp_path / "mp.json").write_text(json.dumps(content))
    found = named_external_hull(f"mp={tmp_path / 'mp.json'}")
    assert {one.origin.split("/")[-1]: round(one.energy_per_atom, 12) for one in found.entries} == {
        "Ni2": 0.0,
        "Al": 0.0,
        "NiAl": -0.6,
    }


def _amounts(formula):
    from pymatgen.core import Composition

    return Composition(formula).as_dict()


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("dft.csv", ConfigError, "expected name=path"),
        ("dft={}/nowhere.csv", ReferenceFileError, "expected a file"),
        ("dft={}/part.csv", ReferenceFileError, "whole numbers of atoms"),
        ("dft={}/half.json", ReferenceFileError, "alone"),
    ],
)
def test_an_external_hull_that_cannot_be_read_says_why(tmp_path, text, error, message):
    (tmp_path / "part.csv").write_text("formula,formation_energy_per_atom\nFe0.9O,-1\n")
    (tmp_path / "half.json").write_text('[{"composition": {"Ni": 1, "Al": 1}, "energy": -9}]')
    with pytest.raises(error, match=message):
        named_external_hull(text.format(tmp_path))


def test_a_hull_of_elements_that_the_model_does_not_cover_is_refused_and_costs_nothing(tmp_path):
    (tmp_path / "dft.csv").write_text("formula,formation_energy_per_atom\nFeCl2,-1.5\n")
    external = [named_external_hull(f"PBE={tmp_path / 'dft.csv'}")]
    folder = tmp_path / "challenge"
    with pytest.raises(ConfigError, match="the model covers none"):
        init(folder, MODEL, sets=[element_set()], external=external)
    make_challenge(folder)  # the same folder, without it
