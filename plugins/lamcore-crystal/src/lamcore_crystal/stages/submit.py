"""Take a submission in: its bytes are kept as they are, and nothing is judged yet."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamcore.errors import ConfigError
from lamcore_crystal.rounds import sha256_of_json

if TYPE_CHECKING:
    from lamcore_crystal.challenge import Challenge
    from lamcore_crystal.intake.sources import SubmittedFile

_FILES_PER_COMMIT = 200
_LONGEST_TEXT = 200


@dataclass(frozen=True)
class Receipt:
    """What became of a submission.

    Attributes:
        submission_id: In the database.
        n_files: Files in it, refused ones included.
        is_new: False where the same files of the same source were submitted to this round before.
    """

    submission_id: int
    n_files: int
    is_new: bool


def submit(
    challenge: Challenge,
    path: Path,
    *,
    source: str,
    submitter: str = "",
    licence: str = "unknown",
    split_blocks: bool | None = None,
) -> Receipt:
    """Keep the files of a folder, an archive or a single file as a submission to the open round.

    The submission appears as a whole or not at all, and the same files of the same source are taken once.

    Args:
        challenge: Open.
        path: A folder, a zip, a tar, or one file.
        source: The generator or database that the structures come from.
        submitter: Who submits.
        licence: Of the structures.
        split_blocks: Whether each data block of a file is a structure of its own; None does that where the path is a
            single file that is not an archive.

    Raises:
        ConfigError: A text is empty or too long, or there is no such path.
        LamcoreError: The path cannot be read, holds no file, or is too large for the round.
    """
    from lamcore_crystal.intake.sources import is_archive, read_submission
    from lamcore_crystal.store.batches import batches
    from lamcore_crystal.store.content import add_contents
    from lamcore_crystal.store.schema import submitted_file
    from lamcore_crystal.store.writing import add_submission

    texts = {
        "source": _checked("source", source, required=True),
        "submitter": _checked("submitter", submitter),
        "licence": _checked("licence", licence, required=True),
    }
    if not path.exists():
        raise ConfigError(f"{path}: not found; give a folder, a zip, a tar or a CIF file")
    with challenge.database.read() as connection:
        open_round = challenge.open_round(connection)
    split = path.is_file() and not is_archive(path) if split_blocks is None else split_blocks
    rows: list[dict[str, Any]] = []
    for some in batches(read_submission(path, open_round.settings), _FILES_PER_COMMIT):
        with challenge.database.write() as connection:
            hashes = iter(add_contents(connection, [one.data for one in some if one.data is not None]))
        rows += [_file_row(one, None if one.data is None else next(hashes)) for one in some]
    if not rows:
        raise ConfigError(f"{path}: holds no files, expected CIF files; check the path")
    identity = sha256_of_json(
        [split, [[row["name"], row["content_sha256"], row["refusal"] and row["refusal"]["code"]] for row in rows]]
    )
    with challenge.database.write() as connection:
        submission_id, is_new = add_submission(
            connection, round_id=open_round.id, split_blocks=split, sha256=identity, n_files=len(rows), **texts
        )
        if is_new:
            placed = [{**row, "submission_id": submission_id, "position": i} for i, row in enumerate(rows)]
            connection.execute(submitted_file.insert(), placed)
    return Receipt(submission_id, len(rows), is_new)


def _file_row(one: SubmittedFile, sha256: str | None) -> dict[str, Any]:
    return {
        "name": one.name,
        "size": one.size,
        "content_sha256": sha256,
        "refusal": None if one.refusal is None else one.refusal.as_json(),
        "is_read": False,
    }


def _checked(name: str, text: str, required: bool = False) -> str:
    """A text that people gave, fit to be stored and shown.

    Raises:
        ConfigError: It is empty, too long, or holds what is not printed.
    """
    stripped = text.strip()
    if required and not stripped:
        raise ConfigError(f"{name} is empty, expected a short text; name it with --{name}")
    if len(stripped) > _LONGEST_TEXT:
        raise ConfigError(f"{name} has {len(stripped)} characters, expected at most {_LONGEST_TEXT}; shorten it")
    if not stripped.isprintable():
        raise ConfigError(f"{name} holds characters that are not printed ({stripped!a}); leave them out")
    return stripped
