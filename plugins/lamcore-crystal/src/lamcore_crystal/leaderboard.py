"""Submissions and sources compared: how much of what they submitted is valid, unique, novel and stable."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lamcore_crystal.stability import METASTABLE_WITHIN, STABLE_WITHIN

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Share:
    """A part of everything that was submitted.

    Attributes:
        n: Structures that count.
        share: Of all that were submitted, those that nobody could read included.
        low: Lower end of the Wilson interval.
        high: Upper end.
    """

    n: int
    share: float
    low: float
    high: float


@dataclass(frozen=True)
class LeaderboardRow:
    """A submission, or all submissions of a source.

    S.U.N. counts what is stable (at most `STABLE_WITHIN` above the hull), unique and novel; MetaSUN what is metastable
    (at most `METASTABLE_WITHIN`), unique and novel, so that it holds all of S.U.N. Unique means that it repeats no
    other structure of the submission, or of the source; novel that it is in no reference set.

    Source:
        C. Zeni et al., Nature 639, 624 (2025), doi:10.1038/s41586-025-08628-5, whose S.U.N., within 0.1 eV/atom, is
        MetaSUN here. LeMat-GenBench (https://github.com/LeMaterial/lemat-genbench), where both names are from, counts
        as MetaSUN only what is not S.U.N.: that is the difference of the two here.

    Attributes:
        name: Of the source.
        submission_id: None for a source.
        status: Of the submission; None for a source.
        n_submissions: How many there are in it.
        n_submitted: Structures; a file that could not be read counts as one.
        valid: Accepted: relaxed, converged, physical.
        unique: Valid, and no repetition.
        novel: Valid, and in no reference set.
        stable: Valid, and at most `STABLE_WITHIN` above the hull.
        sun: Stable, unique and novel.
        metasun: Metastable, unique and novel.
        median_energy_above_hull: Of the valid, eV/atom, signed; None where there are none.
        min_energy_above_hull: The lowest, eV/atom.
        median_score: Of the valid, by the score of their round.
    """

    name: str
    submission_id: int | None
    status: str | None
    n_submissions: int
    n_submitted: int
    valid: Share
    unique: Share
    novel: Share
    stable: Share
    sun: Share
    metasun: Share
    median_energy_above_hull: float | None
    min_energy_above_hull: float | None
    median_score: float | None


@dataclass(frozen=True)
class Leaderboard:
    """Both tables, the largest share of S.U.N. first.

    Attributes:
        submissions: A row for each.
        sources: A row for each.
        stable_within: eV/atom above the hull.
        metastable_within: eV/atom above the hull.
        confidence: Of the intervals.
    """

    submissions: tuple[LeaderboardRow, ...]
    sources: tuple[LeaderboardRow, ...]
    stable_within: float = STABLE_WITHIN
    metastable_within: float = METASTABLE_WITHIN
    confidence: float = CONFIDENCE


def leaderboard(connection: Connection) -> Leaderboard:
    """The rows from the database, by aggregates of SQL."""
    submitted = _submitted(connection)
    by_submission = _counted(connection, "submission_id")
    by_source = _counted(connection, "source")
    rows = [_row(one["source"], one, 1, one["n_submitted"], by_submission.get(one["id"], {})) for one in submitted]
    sources: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for one in submitted:
        sources[one["source"]].append(one)
    whole = [
        _row(name, None, len(mine), sum(one["n_submitted"] for one in mine), by_source.get(name, {}))
        for name, mine in sources.items()
    ]
    return Leaderboard(tuple(sorted(rows, key=_rank)), tuple(sorted(whole, key=_rank)))


def _submitted(connection: Connection) -> list[Mapping[str, Any]]:
    """Submissions with the number of their structures; a file that was not read yet counts as one."""
    from sqlalchemy import func, select

    from lamcore_crystal.store.schema import structure, submission, submitted_file

    def counted(table: Any, condition: Any) -> Any:
        return select(func.count()).select_from(table).where(condition).correlate(submission).scalar_subquery()

    n_structures = counted(structure, structure.c.submission_id == submission.c.id)
    n_waiting = counted(
        submitted_file, (submitted_file.c.submission_id == submission.c.id) & submitted_file.c.is_read.is_(False)
    )
    query = select(
        submission.c.id, submission.c.source, submission.c.status, (n_structures + n_waiting).label("n_submitted")
    ).order_by(submission.c.id)
    return [dict(row) for row in connection.execute(query).mappings()]


def _counted(connection: Connection, by: str) -> dict[Any, dict[str, Any]]:
    """Counts and medians over the accepted crystals, for each submission or source."""
    from sqlalchemy import and_, case, func, not_, or_, select

    from lamcore_crystal.store.schema import crystal

    key, distance = crystal.c[by], crystal.c.energy_above_hull
    earlier = crystal.alias("earlier")
    # Within a source, a crystal of an earlier submission is repeated as well.
    repeats: list[ColumnElement[bool]] = [crystal.c.duplicate_in_submission.is_not(None)]
    if by == "source":
        repeats.append(func.coalesce(earlier.c.source, "") == crystal.c.source)
    is_unique, is_novel = not_(or_(*repeats)), crystal.c.is_novel
    new = and_(is_unique, is_novel)
    conditions = {
        "unique": is_unique,
        "novel": is_novel,
        "stable": distance <= STABLE_WITHIN,
        "sun": and_(new, distance <= STABLE_WITHIN),
        "metasun": and_(new, distance <= METASTABLE_WITHIN),
    }
    query = (
        select(
            key.label("key"),
            func.count().label("valid"),
            func.min(distance).label("lowest"),
            *(func.sum(case((condition, 1), else_=0)).label(name) for name, condition in conditions.items()),
        )
        .select_from(crystal.outerjoin(earlier, earlier.c.id == crystal.c.duplicate_in_database))
        .group_by(key)
    )
    counted = {row["key"]: dict(row) for row in connection.execute(query).mappings()}
    for name in ("energy_above_hull", "score"):
        for group, median in _medians(connection, by, name).items():
            counted[group][f"median_{name}"] = median
    return counted


def _medians(connection: Connection, by: str, name: str) -> dict[Any, float]:
    from sqlalchemy import func, select

    from lamcore_crystal.store.schema import crystal

    key, value = crystal.c[by], crystal.c[name]
    ranked = (
        select(
            key.label("key"),
            value.label("value"),
            func.row_number().over(partition_by=key, order_by=value).label("place"),
            func.count().over(partition_by=key).label("n"),
        )
        .where(value.is_not(None))
        .subquery()
    )
    # One in the middle, or two: of 5 the third, of 4 the second and the third.
    middle = (2 * ranked.c.place >= ranked.c.n) & (2 * ranked.c.place <= ranked.c.n + 2)
    query = select(ranked.c.key, func.avg(ranked.c.value)).where(middle).group_by(ranked.c.key)
    return {group: float(median) for group, median in connection.execute(query)}


def _row(
    name: str,
    one: Mapping[str, Any] | None,
    n_submissions: int,
    n_submitted: int,
    counted: Mapping[str, Any],
) -> LeaderboardRow:
    from lamcore_crystal.sampling import wilson

    def share(what: str) -> Share:
        n = int(counted.get(what, 0))
        return Share(n, n / n_submitted if n_submitted else 0.0, *wilson(n, n_submitted, CONFIDENCE))

    return LeaderboardRow(
        name=name,
        submission_id=None if one is None else one["id"],
        status=None if one is None else one["status"],
        n_submissions=n_submissions,
        n_submitted=n_submitted,
        valid=share("valid"),
        unique=share("unique"),
        novel=share("novel"),
        stable=share("stable"),
        sun=share("sun"),
        metasun=share("metasun"),
        median_energy_above_hull=counted.get("median_energy_above_hull"),
        min_energy_above_hull=counted.get("lowest"),
        median_score=counted.get("median_score"),
    )


def _rank(row: LeaderboardRow) -> tuple[float, float, str, int]:
    return (-row.sun.share, -row.metasun.share, row.name, row.submission_id or 0)
