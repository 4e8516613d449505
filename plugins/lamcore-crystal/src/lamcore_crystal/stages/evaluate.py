"""The evaluation of all submissions of the open round: check → sample → relax → score.

Each phase takes up what an earlier process left: everything is written down as it comes, in an order that does not
depend on interruptions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from lamcore_crystal.compute import Relaxer, select_model
from lamcore_crystal.stages.watching import Silent, timed
from lamcore_crystal.store.writing import add_event

if TYPE_CHECKING:
    from lamcore_crystal.challenge import Challenge
    from lamcore_crystal.rounds import RelaxationRules
    from lamcore_crystal.stages.hulls import FrozenHull
    from lamcore_crystal.stages.watching import PhaseTime, Watcher

_SAMPLED_AT_ONCE = 32
_RELAXED_AT_ONCE = 5000


def evaluate(
    challenge: Challenge,
    overrides: Sequence[str] = (),
    watcher: Watcher | None = None,
    *,
    retry_failed: bool = False,
) -> list[int]:
    """Bring every submission of the open round to its end.

    Args:
        challenge: Open.
        overrides: Executor, worker and batch, as on the command line; the model is the challenge's.
        watcher: Is told how it goes.
        retry_failed: Whether relaxations that failed with `E_MODEL`, in the open round, are made once more.

    Returns:
        The ids of the submissions that were brought to their end.

    Raises:
        BusyError: Another process evaluates this challenge.
        ConfigError: An override is not right, or changes the model.
        LamcoreError: The model cannot be built, the disk is full, or the database cannot be written.
    """
    with challenge.held():
        with challenge.database.read() as connection:
            model = challenge.model_overrides(connection)
        with Relaxer(select_model([*model, *overrides])) as relaxer:
            evaluation = Evaluation(challenge, relaxer, watcher or Silent())
            if retry_failed:
                evaluation.reopen_failed()
            some = waiting(challenge)
            evaluation.run()
            unfinished = waiting(challenge)
    return [one for one in some if one not in unfinished]


class Evaluation:
    """One process's evaluation of a challenge."""

    def __init__(self, challenge: Challenge, relaxer: Relaxer, watcher: Watcher) -> None:
        from lamcore_crystal.stages.references import check_model, freeze_references

        self._challenge = challenge
        self._database = challenge.database
        self._relaxer = relaxer
        self._watcher = watcher
        with self._database.read() as connection:
            self._round = challenge.open_round(connection)
        self._settings = self._round.settings
        check_model(self._database, self._round, relaxer.selection)
        if self._round.hull_id is None:
            freeze_references(challenge, relaxer, watcher)
            with self._database.read() as connection:
                self._round = challenge.open_round(connection)

    def reopen_failed(self) -> None:
        """Let relaxations that failed with `E_MODEL` be made once more."""
        from lamcore_crystal.stages.retry import OF_THE_MACHINE, reopen_failed

        with self._database.write() as connection:
            n_marked = reopen_failed(connection, self._round)
        self._watcher.said(f"{n_marked} relaxations that failed with {OF_THE_MACHINE} are made once more")

    def run(self) -> None:
        """All phases, for all submissions that are not at their end."""
        self._check(self._in_state("received"))
        self._sample(self._in_state("checked"))
        self._relax(self._in_state("sampled"))
        self._score(self._in_state("sampled"))

    def _in_state(self, status: str) -> list[int]:
        from sqlalchemy import select

        from lamcore_crystal.store.schema import submission

        with self._database.read() as connection:
            return list(
                connection.execute(
                    select(submission.c.id)
                    .where(submission.c.round_id == self._round.id, submission.c.status == status)
                    .order_by(submission.c.id)
                ).scalars()
            )

    def _check(self, submissions: Sequence[int]) -> None:
        from lamcore_crystal.intake.pool import CheckingPool
        from lamcore_crystal.stages.checking import check_files
        from lamcore_crystal.stages.sampling import draw_sample

        if not submissions:
            return
        with CheckingPool(self._settings, self._relaxer.elements) as pool:
            for submission_id in submissions:
                spent = check_files(self._database, submission_id, pool, self._watcher)
                with self._database.write() as connection:
                    draw_sample(connection, self._round, submission_id)
                    add_event(connection, "phase", spent.as_json(), submission_id)

    def _sample(self, submissions: Sequence[int]) -> None:
        """Relax samples a piece at a time, until each is decided."""
        from lamcore_crystal.stages import sampling

        rules = self._settings.sampling
        relaxation = (
            self._settings.relaxation if rules.fmax is None else replace(self._settings.relaxation, fmax=rules.fmax)
        )
        for submission_id in submissions:
            with self._database.read() as connection:
                drawn = sampling.sample(connection, submission_id)
            with timed("sample") as spent:
                result = sampling.first_decision([], len(drawn), rules)
                for end in range(0, len(drawn) + _SAMPLED_AT_ONCE, _SAMPLED_AT_ONCE):
                    some = drawn[:end]
                    self._relax_some(some, relaxation, spent, f"submission {submission_id}: relaxing the sample")
                    result = sampling.first_decision(self._outcomes(some, relaxation), len(drawn), rules)
                    if result.decision != "undecided":
                        break
            with self._database.write() as connection:
                sampling.decide(connection, submission_id, result)
                add_event(connection, "phase", spent.as_json(), submission_id)
            self._watcher.said(
                f"submission {submission_id}: {result.n_passed} of {result.n_drawn} in the sample pass, "
                f"{100 * result.confidence:g} % interval {100 * result.low:.0f} to {100 * result.high:.0f} %, "
                f"{100 * result.threshold:g} % needed: {result.decision}"
            )

    def _outcomes(self, some: Sequence[dict[str, Any]], rules: RelaxationRules) -> list[bool]:
        from lamcore_crystal.assessment import assess
        from lamcore_crystal.stages.relaxations import relaxations_of

        if not some:
            return []
        settings = replace(self._settings, relaxation=rules)
        with self._database.read() as connection:
            ends = relaxations_of(connection, [row["geometry_sha256"] for row in some], self._round.model_id, rules)
        return [
            row["status"] != "refused" and assess(ends[row["geometry_sha256"]], settings, self._hull.hull).error is None
            for row in some
        ]

    @cached_property
    def _hull(self) -> FrozenHull:
        from lamcore_crystal.stages.hulls import load

        assert self._round.hull_id is not None
        with self._database.read() as connection:
            return load(connection, self._round.hull_id)

    def _relax(self, submissions: Sequence[int]) -> None:
        """Everything that passed the checks, of all submissions together, so that batches are full."""
        from lamcore_crystal.stages.relaxations import accepted

        if not submissions:
            return
        with timed("relax") as spent:
            for rows in accepted(self._database, submissions, _RELAXED_AT_ONCE):
                self._relax_some(rows, self._settings.relaxation, spent, "relaxing")
        with self._database.write() as connection:
            add_event(connection, "phase", {"submissions": list(submissions), **spent.as_json()})

    def _relax_some(self, rows: Iterable[dict[str, Any]], rules: RelaxationRules, spent: PhaseTime, what: str) -> None:
        packed = {row["geometry_sha256"]: row["geometry"] for row in rows if row["status"] != "refused"}
        if not packed:
            return
        self._watcher.began(what, len(packed))
        self._relaxer.relax_all(self._database, self._round.model_id, rules, packed, self._watcher, spent)

    def _score(self, submissions: Sequence[int]) -> None:
        from lamcore_crystal.stages.external import external_hulls
        from lamcore_crystal.stages.scoring import score_submission

        if not submissions:
            return
        with self._database.read() as connection:
            external = external_hulls(connection)
        for submission_id in submissions:
            with timed("score") as spent:
                score_submission(self._database, self._round, self._hull, external, submission_id, self._watcher, spent)
            with self._database.write() as connection:
                add_event(connection, "phase", spent.as_json(), submission_id)


def waiting(challenge: Challenge) -> list[int]:
    """Submissions of the open round that are not at their end."""
    from sqlalchemy import select

    from lamcore_crystal.store.schema import submission

    with challenge.database.read() as connection:
        open_round = challenge.open_round(connection)
        return list(
            connection.execute(
                select(submission.c.id)
                .where(
                    submission.c.round_id == open_round.id,
                    submission.c.status.not_in(("evaluated", "rejected")),
                )
                .order_by(submission.c.id)
            ).scalars()
        )
