"""The last phase: each relaxed structure gets its verdict, its score and its place in the open database."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from lamcore.errors import PluginError
from lamcore_crystal.assessment import Assessment, assess
from lamcore_crystal.description import crystal_system
from lamcore_crystal.extensions import score as score_named
from lamcore_crystal.findings import Finding
from lamcore_crystal.matching.candidate import Candidate
from lamcore_crystal.scores import ScoreInput
from lamcore_crystal.stages.duplicates import Finder
from lamcore_crystal.stages.external import external_results
from lamcore_crystal.stages.hulls import FrozenHull, composition
from lamcore_crystal.stages.relaxations import relaxations_of
from lamcore_crystal.store.schema import result, structure, submission, submitted_file
from lamcore_crystal.store.writing import add_crystals, finish_structure, now, rescore

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from lamcore_crystal.challenge import OpenRound
    from lamcore_crystal.hull.values import HullDistance
    from lamcore_crystal.matching.finder import Matches
    from lamcore_crystal.stages.watching import PhaseTime, Watcher
    from lamcore_crystal.store.database import Database

_AT_ONCE = 200


@dataclass(frozen=True)
class _Verdict:
    """What became of a structure, with everything that its rows are made of."""

    row: Mapping[str, Any]
    relaxation: Mapping[str, Any]
    assessment: Assessment
    score: float | None


def score_submission(
    database: Database,
    open_round: OpenRound,
    frozen: FrozenHull,
    external: Sequence[FrozenHull],
    submission_id: int,
    watcher: Watcher,
    spent: PhaseTime,
) -> None:
    """Score what is relaxed of a submission, in the order of ids, and let the submission be at its end.

    Args:
        database: Of the challenge.
        open_round: Whose rules hold.
        frozen: The round's hull.
        external: Hulls of other methods, which accepted crystals are measured from as well.
        submission_id: Whose structures are scored.
        watcher: Is told how it goes.
        spent: What is done is added to it.
    """
    watcher.began(f"submission {submission_id}: scoring", None)
    finder = Finder(database, submission_id, open_round.settings.matching)
    while True:
        with database.read() as connection:
            rows = _next(connection, submission_id)
            verdicts = _verdicts(connection, open_round, frozen, rows)
        if not rows:
            break
        accepted = [one for one in verdicts if one.assessment.error is None]
        matches = finder.find([_candidate(one) for one in accepted])
        with database.write() as connection:  # short, so that others can submit meanwhile
            _write_down(connection, frozen, external, open_round.settings.score, verdicts, matches)
        spent.n += len(rows)
        watcher.advanced(len(rows))
    with database.write() as connection:
        connection.execute(
            update(submission).where(submission.c.id == submission_id).values(status="evaluated", finished_at=now())
        )


def score_against(
    connection: Connection, frozen: FrozenHull, score_name: str, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Score crystals of the database against another hull.

    Args:
        connection: Of a transaction that writes.
        frozen: The hull.
        score_name: Version included.
        rows: `id`, `formula`, `energy_per_atom` and `relaxation_id` of crystals.
    """
    distances = frozen.hull.distances(
        [composition(row["formula"]) for row in rows], [row["energy_per_atom"] for row in rows]
    )
    scores = [
        _value(score_name, _input(composition(row["formula"]), row["energy_per_atom"], distance))
        for row, distance in zip(rows, distances, strict=True)
    ]
    connection.execute(
        result.insert(),
        [
            _result(row["id"], row["relaxation_id"], frozen, score_name, value, distance)
            for row, distance, value in zip(rows, distances, scores, strict=True)
        ],
    )
    rescore(
        connection,
        [
            {
                "id": row["id"],
                "energy_above_hull": distance.energy_above_hull,
                "formation_energy_per_atom": distance.formation_energy_per_atom,
                "score": value,
                "hull_id": frozen.id,
            }
            for row, distance, value in zip(rows, distances, scores, strict=True)
        ],
    )


def _next(connection: Connection, submission_id: int) -> list[Mapping[str, Any]]:
    rows = connection.execute(
        select(
            structure,
            submission.c.source,
            submission.c.licence,
            submitted_file.c.name.label("file_name"),
            submitted_file.c.content_sha256,
        )
        .join(submission, submission.c.id == structure.c.submission_id)
        .join(submitted_file, submitted_file.c.id == structure.c.file_id)
        .where(structure.c.submission_id == submission_id, structure.c.status == "checked")
        .order_by(structure.c.id)
        .limit(_AT_ONCE)
    ).mappings()
    return [dict(row) for row in rows]


def _verdicts(
    connection: Connection, open_round: OpenRound, frozen: FrozenHull, rows: Sequence[Mapping[str, Any]]
) -> list[_Verdict]:
    settings = open_round.settings
    ends = relaxations_of(
        connection, [row["geometry_sha256"] for row in rows], open_round.model_id, settings.relaxation
    )
    verdicts = []
    for row in rows:
        end = ends[row["geometry_sha256"]]
        assessment = assess(end, settings, frozen.hull)
        verdicts.append(_Verdict(row, end, assessment, _score(assessment, settings.score)))
    return verdicts


def _score(assessment: Assessment, score_name: str) -> float | None:
    if assessment.error is not None:
        return None
    assert assessment.distance is not None
    assert assessment.description is not None
    assert assessment.energy_per_atom is not None
    amounts = composition(assessment.description.formula)
    return _value(score_name, _input(amounts, assessment.energy_per_atom, assessment.distance))


def _value(score_name: str, crystal: ScoreInput) -> float | None:
    """What a score says of a crystal.

    Raises:
        PluginError: It raised, or gave no finite number.
    """
    again = "what was scored before is kept: mend the package that offers it, and give the same command again"
    try:
        value = score_named(score_name)(crystal)
    except Exception as error:  # a score of anyone's
        raise PluginError(
            f"score {score_name!r} raised {type(error).__name__} on {dict(crystal.composition)}: {error}; {again}"
        ) from error
    if value is not None and not (isinstance(value, float | int) and math.isfinite(value)):
        raise PluginError(
            f"score {score_name!r} gave {value!r} on {dict(crystal.composition)}, expected a finite number or None; "
            f"{again}"
        )
    return value


def _write_down(
    connection: Connection,
    frozen: FrozenHull,
    external: Sequence[FrozenHull],
    score_name: str,
    verdicts: Sequence[_Verdict],
    matches: Sequence[Matches[int]],
) -> None:
    for one in verdicts:
        status = "passed" if one.assessment.error is None else "failed"
        finish_structure(connection, one.row["id"], status, list(one.assessment.findings))
    accepted = [one for one in verdicts if one.assessment.error is None]
    if accepted:
        results = [_first_result(one, frozen, score_name) for one in accepted]
        formulas = [_formula(one) for one in accepted]
        connection.execute(result.insert(), results + external_results(results, formulas, external))
        pairs = zip(accepted, matches, strict=True)
        add_crystals(connection, [_crystal(one, match, frozen.id) for one, match in pairs])


def _first_result(scored: _Verdict, frozen: FrozenHull, score_name: str) -> dict[str, Any]:
    assert scored.assessment.distance is not None
    return _result(
        scored.row["id"], scored.relaxation["id"], frozen, score_name, scored.score, scored.assessment.distance
    )


def _formula(scored: _Verdict) -> str:
    assert scored.assessment.description is not None
    return scored.assessment.description.formula


def _input(amounts: Mapping[str, float], energy_per_atom: float, distance: HullDistance) -> ScoreInput:
    return ScoreInput(
        composition=amounts,
        energy_per_atom=energy_per_atom,
        formation_energy_per_atom=distance.formation_energy_per_atom,
        energy_above_hull=distance.energy_above_hull,
    )


def _result(
    structure_id: int,
    relaxation_id: int,
    frozen: FrozenHull,
    score_name: str,
    value: float | None,
    distance: HullDistance,
) -> dict[str, Any]:
    return {
        "structure_id": structure_id,
        "hull_id": frozen.id,
        "score_name": score_name,
        "relaxation_id": relaxation_id,
        "score": value,
        "formation_energy_per_atom": distance.formation_energy_per_atom,
        "energy_above_hull": distance.energy_above_hull,
        "decomposition": frozen.decomposition(distance.decomposition),
    }


def _candidate(scored: _Verdict) -> Candidate[int]:
    assessment = scored.assessment
    assert assessment.geometry is not None
    assert assessment.description is not None
    return Candidate.of(scored.row["id"], assessment.geometry, assessment.description, assessment.energy_per_atom)


def _crystal(scored: _Verdict, matches: Matches[int], hull_id: int) -> dict[str, Any]:
    """The row of the open database."""
    row, assessment = scored.row, scored.assessment
    described, geometry, distance = assessment.description, assessment.geometry, assessment.distance
    assert described is not None
    assert geometry is not None
    assert distance is not None
    shown = described.loose
    return {
        "id": row["id"],
        "submission_id": row["submission_id"],
        "source": row["source"],
        "name": _name(row),
        "licence": row["licence"],
        "formula": described.formula,
        "formula_pretty": described.formula_pretty,
        "formula_anonymous": described.formula_anonymous,
        "chemical_system": described.chemical_system,
        "n_elements": len(described.elements),
        "n_sites": described.n_sites,
        "volume_per_atom": described.volume_per_atom,
        "density_g_cm3": described.density_g_cm3,
        "space_group": shown.space_group,
        "space_group_symbol": shown.symbol,
        "crystal_system": crystal_system(shown.space_group),
        "pearson": shown.pearson,
        "wyckoff": shown.wyckoff,
        "wyckoff_letters": shown.wyckoff_letters,
        "prototype": shown.prototype,
        "key_loose": described.loose.key,
        "key_tight": described.tight.key,
        "identity_sha256": described.identity_sha256,
        "energy_per_atom": assessment.energy_per_atom,
        "formation_energy_per_atom": distance.formation_energy_per_atom,
        "energy_above_hull": distance.energy_above_hull,
        "score": scored.score,
        "hull_id": hull_id,
        "model_id": scored.relaxation["model_id"],
        "relaxation_id": scored.relaxation["id"],
        "duplicate_in_submission": matches.in_submission,
        "duplicate_in_database": matches.in_database,
        "novelty": dict(matches.novelty),
        "is_novel": matches.is_novel,
        "labels": row["labels"],
        "warnings": [one for one in row["findings"] if one["severity"] == "warning"]
        + [one.as_json() for one in assessment.findings if _is_warning(one)],
        "geometry": geometry.pack(),
        "content_sha256": row["content_sha256"],
        "added_at": now(),
    }


def _is_warning(finding: Finding) -> bool:
    return finding.severity == "warning"


def _name(row: Mapping[str, Any]) -> str:
    return f"{row['file_name']}#{row['block_name'] or row['block']}" if row["block"] else str(row["file_name"])
