"""Writing a release: one state of the database, in segments, complete or not at all."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Select, select, tuple_

from lamcore.errors import ConfigError
from lamcore_crystal.geometry import Geometry
from lamcore_crystal.release.card import describe, write_cards
from lamcore_crystal.release.checksums import write_sums
from lamcore_crystal.release.columns import (
    CRYSTALS,
    HULL_ENTRIES,
    RESULTS,
    STRUCTURES,
    ReleaseColumn,
    arrow_schema,
    arrow_table,
    geometry_columns,
)
from lamcore_crystal.store.schema import crystal, hull, hull_entry, model, relaxation, result, structure, submission
from lamcore_crystal.store.schema import submitted_file as file

if TYPE_CHECKING:
    from lamcore_crystal.challenge import Challenge

_AT_ONCE = 2_000


def export(challenge: Challenge, folder: Path, rows_per_segment: int = 100_000) -> Path:
    """Write everything that is open as Parquet files, with cards, licences and hashes.

    Args:
        challenge: What is released.
        folder: New; a release is never written over another.
        rows_per_segment: Rows of one Parquet file.

    Returns:
        The folder.

    Raises:
        ConfigError: The folder exists, or its parent does not.
    """
    if folder.exists():
        raise ConfigError(f"{folder} exists already; a release is never overwritten: name a new folder")
    if not folder.parent.is_dir():
        raise ConfigError(f"{folder}: its folder does not exist; make {folder.parent} first")
    unfinished = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        with challenge.database.read() as connection:
            _write(connection, unfinished, rows_per_segment)
        write_sums(unfinished)
        unfinished.chmod(0o755)
        unfinished.rename(folder)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    return folder


def _write(connection: Connection, folder: Path, rows_per_segment: int) -> None:
    licences: Counter[tuple[str, str]] = Counter()
    counts = {
        "crystals": _write_segments(folder / "crystals", CRYSTALS, _crystals(connection, licences), rows_per_segment),
        "structures": _write_segments(folder / "structures", STRUCTURES, _structures(connection), rows_per_segment),
        "results": _write_segments(folder / "results", RESULTS, _results(connection), rows_per_segment),
        "hull_entries": _write_file(folder / "hull_entries.parquet", HULL_ENTRIES, _hull_entries(connection)),
    }
    write_cards(folder, describe(connection, counts, licences))


def _crystals(connection: Connection, licences: Counter[tuple[str, str]]) -> Iterator[Mapping[str, Any]]:
    query = (
        select(
            crystal,
            structure.c.geometry.label("submitted_geometry"),
            model.c.name.label("model_name"),
            model.c.sha256.label("model_sha256"),
            hull.c.sha256.label("hull_sha256"),
            relaxation.c.settings_sha256.label("relaxation_settings_sha256"),
            relaxation.c.n_steps.label("relaxation_steps"),
            relaxation.c.residual.label("relaxation_residual"),
            relaxation.c.max_stress_gpa.label("relaxation_max_stress_gpa"),
            relaxation.c.provenance.label("relaxation_provenance"),
            relaxation.c.finished_at.label("relaxed_at"),
        )
        .join(structure, structure.c.id == crystal.c.id)
        .join(model, model.c.id == crystal.c.model_id)
        .join(hull, hull.c.id == crystal.c.hull_id)
        .join(relaxation, relaxation.c.id == crystal.c.relaxation_id)
    )
    for row in _in_order(connection, query, crystal.c.id):
        licences[row["source"], row["licence"]] += 1
        submitted = geometry_columns(Geometry.unpack(row["submitted_geometry"]), "submitted_")
        yield {**row, **geometry_columns(Geometry.unpack(row["geometry"])), **submitted}


def _structures(connection: Connection) -> Iterator[Mapping[str, Any]]:
    shown = (structure.c.id, structure.c.submission_id, structure.c.block, structure.c.status, structure.c.code)
    query = (
        select(*shown, submission.c.source, file.c.name.label("file"), file.c.content_sha256)
        .join(submission, submission.c.id == structure.c.submission_id)
        .join(file, file.c.id == structure.c.file_id)
    )
    return _in_order(connection, query, structure.c.id)


def _hull_entries(connection: Connection) -> Iterator[Mapping[str, Any]]:
    hulls = connection.execute(select(hull.c.id, hull.c.sha256, hull.c.name).order_by(hull.c.id)).all()
    for hull_id, sha256, name in hulls:
        query = select(hull_entry).where(hull_entry.c.hull_id == hull_id)
        for row in _in_order(connection, query, hull_entry.c.position):
            yield {**row, "hull_sha256": sha256, "hull_name": name}


def _results(connection: Connection) -> Iterator[Mapping[str, Any]]:
    query = select(result, hull.c.sha256.label("hull_sha256")).join(hull, hull.c.id == result.c.hull_id)
    return _in_order(connection, query, result.c.structure_id, result.c.hull_id, result.c.score_name)


def _in_order(connection: Connection, query: Select[Any], *keys: Any) -> Iterator[Mapping[str, Any]]:
    """Rows by rising keys, a few thousand at a time, each beginning after the last."""
    page = query.order_by(*keys).limit(_AT_ONCE)
    rows = connection.execute(page).mappings().all()
    while rows:
        yield from (dict(row) for row in rows)
        last = [rows[-1][key.name] for key in keys]
        rows = connection.execute(page.where(tuple_(*keys) > tuple_(*last))).mappings().all()


def _write_segments(
    folder: Path, columns: tuple[ReleaseColumn, ...], rows: Iterable[Mapping[str, Any]], rows_per_segment: int
) -> int:
    folder.mkdir()
    total = 0
    rows = iter(rows)
    for number in itertools.count():
        segment = folder / f"part-{number:05d}.parquet"
        n = _write_file(segment, columns, itertools.islice(rows, rows_per_segment))
        total += n
        if n < rows_per_segment:
            if n == 0 and number > 0:
                segment.unlink()  # the rows ended with the segment before
            return total
    raise AssertionError("counting does not end")


def _write_file(path: Path, columns: tuple[ReleaseColumn, ...], rows: Iterable[Mapping[str, Any]]) -> int:
    import pyarrow.parquet as pq

    n = 0
    held: list[Mapping[str, Any]] = []
    with pq.ParquetWriter(path, arrow_schema(columns), compression="zstd") as writer:
        for row in rows:
            held.append(row)
            n += 1
            if len(held) == 10 * _AT_ONCE:
                writer.write_table(arrow_table(columns, held))
                held.clear()
        writer.write_table(arrow_table(columns, held))
    return n
