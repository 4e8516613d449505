"""A release holds what the database holds, says what it is, and is noticed when it changes."""

import hashlib
import json
import shlex
import subprocess
import sys

import duckdb
import numpy as np
import pyarrow.parquet as pq
import pytest
from filled import fill
from lamcore_crystal.challenge import Challenge
from lamcore_crystal.geometry import Geometry
from lamcore_crystal.release.checksums import verify
from lamcore_crystal.release.columns import CRYSTALS
from lamcore_crystal.release.export import export
from lamcore_crystal.release.query import query
from lamcore_crystal.store.content import content_of
from lamcore_crystal.store.schema import crystal, result, round_, structure, submission
from sqlalchemy import func, select, update

from lamcore.errors import ConfigError, DataError


@pytest.fixture(scope="module")
def challenge(tmp_path_factory):
    with Challenge.create(tmp_path_factory.mktemp("release") / "challenge") as challenge:
        fill(challenge.database, 80)
        with challenge.database.write() as connection:
            hostile = "<script>alert(1)</script> | [x](javascript:1)\n# ‮evil"
            connection.execute(update(submission).where(submission.c.id == 2).values(source=hostile))
            connection.execute(update(crystal).where(crystal.c.submission_id == 2).values(source=hostile))
        yield challenge


@pytest.fixture(scope="module")
def release(challenge):
    return export(challenge, challenge.folder.parent / "release", rows_per_segment=30)


@pytest.fixture(scope="module")
def rows(challenge):
    with challenge.database.read() as connection:
        return [dict(row) for row in connection.execute(select(crystal).order_by(crystal.c.id)).mappings()]


def test_duckdb_reads_back_every_row_as_the_database_has_it(release, rows):
    released = query(release, "SELECT * FROM crystals ORDER BY id").to_pylist()
    assert [row["id"] for row in released] == [row["id"] for row in rows]
    plain = set(rows[0]) - {"geometry", "novelty", "labels", "warnings", "hull_id", "model_id", "relaxation_id"}
    for got, kept in zip(released, rows, strict=True):
        assert {name: got[name] for name in plain} == {name: kept[name] for name in plain}
        assert json.loads(got["novelty"]) == kept["novelty"]
        geometry = Geometry.unpack(kept["geometry"])
        np.testing.assert_array_equal(np.reshape(got["cell"], (3, 3)), geometry.cell)
        np.testing.assert_array_equal(np.reshape(got["fractional"], (-1, 3)), geometry.fractional)
        assert got["numbers"] == geometry.numbers.tolist()


def test_counts_by_sql_over_the_release_are_those_of_the_database(challenge, release):
    with challenge.database.read() as connection:
        by_group = connection.execute(select(crystal.c.space_group, func.count()).group_by(crystal.c.space_group))
        by_code = connection.execute(select(structure.c.code, func.count()).group_by(structure.c.code))
        expected, codes = {tuple(row) for row in by_group}, {tuple(row) for row in by_code}
    found = query(release, "SELECT space_group, count(*) AS n FROM crystals GROUP BY space_group").to_pylist()
    refused = query(release, "SELECT code, count(*) AS n FROM structures GROUP BY code").to_pylist()
    assert {(row["space_group"], row["n"]) for row in found} == expected
    assert {(row["code"], row["n"]) for row in refused} == codes
    assert len(codes) > 3


def test_every_row_says_where_it_comes_from(challenge, release):
    names = ["content_sha256", "model_sha256", "relaxation_settings_sha256", "hull_sha256", "identity_sha256"]
    card = json.loads((release / "card.json").read_text())
    assert all("versions" in one for one in card["environments"].values())
    rows = query(release, f"SELECT {', '.join(names)}, relaxation_provenance, relaxed_at FROM crystals").to_pylist()
    with challenge.database.read() as connection:
        for row in rows:
            assert all(len(row[name]) == 64 for name in names)
            assert hashlib.sha256(content_of(connection, row["content_sha256"])).hexdigest() == row["content_sha256"]
            assert json.loads(row["relaxation_provenance"])["environment"] in card["environments"]
            assert row["model_sha256"] in {one["sha256"] for one in card["models"]}
            assert row["relaxed_at"].endswith("Z")


def test_every_distance_is_there_with_what_the_crystal_would_decompose_to(challenge, release, rows):
    joined = "SELECT * FROM results JOIN hull_entries USING (hull_sha256) WHERE position = 0 ORDER BY structure_id"
    found = query(release, joined).to_pylist()
    assert [one["structure_id"] for one in found] == [row["id"] for row in rows]
    assert len(found) > 30  # more than one segment holds
    with challenge.database.read() as connection:
        kept = {one.structure_id: one for one in connection.execute(select(result))}
    for one in found:
        there = kept[one["structure_id"]]
        assert one["score_name"] == there.score_name
        assert one["energy_above_hull"] == there.energy_above_hull
        assert json.loads(one["decomposition"]) == there.decomposition
        assert sum(amount for _, amount, _ in there.decomposition) == pytest.approx(1)


def test_a_release_with_brackets_in_its_name_is_read(challenge, tmp_path, rows):
    folder = export(challenge, tmp_path / "release[1]*")
    assert query(folder, "SELECT count(*) AS n FROM crystals").to_pylist() == [{"n": len(rows)}]


def test_segments_hold_at_most_so_many_rows_and_each_column_says_its_unit(release, rows):
    segments = sorted((release / "crystals").iterdir())
    sizes = [pq.read_metadata(path).num_rows for path in segments]
    assert sum(sizes) == len(rows)
    assert all(size == 30 for size in sizes[:-1])
    assert 0 < sizes[-1] <= 30
    field = pq.read_schema(segments[0]).field("energy_above_hull")
    assert field.metadata[b"unit"] == b"eV/atom"
    described = pq.read_schema(segments[0])
    assert all(described.field(column.name).metadata[b"meaning"] for column in CRYSTALS)


def test_the_card_counts_names_licences_and_keeps_the_secret_of_an_open_round(challenge, release, rows):
    card = json.loads((release / "card.json").read_text())
    assert card["rows"]["crystals"] == len(rows) == card["statistics"]["total"]
    assert sum(one["n"] for one in card["licences"]) == len(rows)
    assert [one["secret"] for one in card["rounds"]] == [None]
    with challenge.database.read() as connection:
        secret = connection.execute(select(round_.c.secret)).scalar_one()
    assert all(secret.encode() not in path.read_bytes() for path in release.rglob("*") if path.is_file())
    readme = (release / "README.md").read_text()
    assert all(f"| {column.name} |" in readme for column in CRYSTALS)
    assert "eV/atom" in readme


def test_the_commands_of_the_card_work_in_the_folder_of_the_release(release):
    commands = [line.strip() for line in (release / "README.md").read_text().splitlines() if line.startswith("    ")]
    assert len(commands) == 2
    for command in commands:
        words = [sys.executable if word == "python" else word for word in shlex.split(command)]
        subprocess.run(words, cwd=release, check=True, capture_output=True)


def test_names_from_outside_end_no_cell_and_become_no_markup_in_the_cards(release):
    licences = (release / "LICENCES.md").read_text()
    [line] = [line for line in licences.splitlines() if "script" in line]
    assert "<script" not in line.replace("\\<", "")
    assert "\u202e" not in line
    assert "](" not in line.replace("\\]", "")


def test_the_sums_are_those_of_sha256sum_and_any_change_is_noticed(challenge, tmp_path):
    folder = export(challenge, tmp_path / "release")
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=folder, check=True)
    assert verify(folder) == len((folder / "SHA256SUMS").read_text().splitlines())
    (folder / "extra.txt").write_text("x")
    with pytest.raises(DataError, match=r"extra\.txt"):
        verify(folder)
    (folder / "extra.txt").unlink()
    changed = folder / "crystals" / "part-00000.parquet"
    content = bytearray(changed.read_bytes())
    content[100] ^= 1
    changed.write_bytes(content)
    with pytest.raises(DataError, match="changed since"):
        verify(folder)
    changed.unlink()
    with pytest.raises(DataError, match="missing"):
        verify(folder)


def test_the_same_state_gives_the_same_tables(challenge, release, tmp_path):
    again = export(challenge, tmp_path / "again", rows_per_segment=30)
    tables = [path.relative_to(release) for path in release.rglob("*.parquet")]
    assert len(tables) >= 4
    assert all((release / name).read_bytes() == (again / name).read_bytes() for name in tables)


def test_a_release_is_never_written_over_and_never_half_written(challenge, release, tmp_path, monkeypatch):
    with pytest.raises(ConfigError, match="never overwritten"):
        export(challenge, release)
    with pytest.raises(ConfigError, match="folder does not exist"):
        export(challenge, tmp_path / "none" / "release")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("lamcore_crystal.release.export.write_cards", fail)
    with pytest.raises(OSError, match="No space"):
        export(challenge, tmp_path / "release")
    assert list(tmp_path.iterdir()) == []


def test_a_query_reads_no_other_file_and_changes_none(release, tmp_path):
    (tmp_path / "secret.csv").write_text("a\n1\n")
    for sql in (
        f"SELECT * FROM '{tmp_path}/secret.csv'",
        f"COPY crystals TO '{tmp_path}/copy.csv'",
        "SET enable_external_access = true",
        "INSTALL httpfs",
        "ATTACH '/tmp/other.db'",
        "SELECT nothing FROM nowhere",
    ):
        with pytest.raises(ConfigError):
            query(release, sql)
    assert [path.name for path in tmp_path.iterdir()] == ["secret.csv"]
    verify(release)
    with pytest.raises(DataError, match="not a release"):
        query(tmp_path, "SELECT 1")


def test_any_duckdb_reads_the_files_without_this_package(release, rows):
    found = duckdb.sql(f"SELECT count(*), min(energy_above_hull) FROM '{release}/crystals/*.parquet'").fetchall()
    assert found == [(len(rows), min(row["energy_above_hull"] for row in rows))]
