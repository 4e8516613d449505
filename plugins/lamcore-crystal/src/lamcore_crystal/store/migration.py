"""Bringing the tables of an older version up to date."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from lamcore_crystal.store.errors import SchemaVersionError

_FOLDER = Path(__file__).parent / "migrations"
_REVISIONS = (_FOLDER / "versions",)


def head() -> str:
    """The newest revision that this version knows."""
    revision = _scripts().get_current_head()
    if revision is None:
        raise SchemaVersionError(f"no revisions of the tables in {_FOLDER}; install lamcore-crystal again")
    return revision


def revision_of(connection: Connection) -> str | None:
    """The revision of the tables of a database; None where it has none."""
    return MigrationContext.configure(connection).get_current_revision()


def refuse_newer(found: str, shown: str) -> None:
    """Go on only with a revision that this version knows.

    Raises:
        SchemaVersionError: It does not.
    """
    known = {script.revision for script in _scripts().walk_revisions()}
    if found not in known:
        raise SchemaVersionError(
            f"{shown}: its tables are of revision {found}, made by a newer lamcore-crystal; this one knows up to "
            f"{head()}; upgrade lamcore-crystal"
        )


def stamp(connection: Connection) -> None:
    """Note that the tables are of the newest revision."""
    MigrationContext.configure(connection).stamp(_scripts(), "head")


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Bring the tables to a revision, in the transaction of the connection."""
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def backup_path(path: Path, revision: str) -> Path:
    """A name beside the database that is free."""
    candidates = (
        path.with_name(f"{path.name}.before-upgrade-of-{revision}{f'-{n}' if n else ''}") for n in range(10_000)
    )
    return next(candidate for candidate in candidates if not candidate.exists())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", "\n".join(str(one).replace("%", "%%") for one in _REVISIONS))
    return config


@cache
def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())
