"""A challenge as a folder: where its database is, and who may evaluate it now."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamcore.errors import ConfigError, LamcoreError
from lamcore_crystal.rounds import RoundSettings

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from lamcore_crystal.store.database import Database

SETTINGS_FILE = "challenge.yaml"
DATABASE_FILE = "challenge.db"
_LOCK_FILE = "evaluation.lock"


class ChallengeError(LamcoreError):
    """A challenge that cannot be used as asked."""


class BusyError(ChallengeError):
    """Another process evaluates this challenge."""


@dataclass(frozen=True)
class OpenRound:
    """The round that submissions go to.

    Attributes:
        id: In the database.
        number: 1 for the first.
        name: For people.
        settings: Its rules.
        settings_sha256: Of its rules.
        secret: Of the sampling.
        model_id: Of the model that relaxes.
        hull_id: Of the frozen hull; None until the references are relaxed.
    """

    id: int
    number: int
    name: str
    settings: RoundSettings
    settings_sha256: str
    secret: str
    model_id: int
    hull_id: int | None


class Challenge:
    """A challenge on disk.

    Attributes:
        folder: With `challenge.yaml` and, unless that names another database, `challenge.db`.
        database: Open.
    """

    def __init__(self, folder: Path, database: Database) -> None:
        self.folder = folder
        self.database = database

    @classmethod
    def create(cls, folder: Path, database_url: str | None = None) -> Challenge:
        """Make the folder and an empty database.

        Args:
            folder: New or empty.
            database_url: As SQLAlchemy writes it; `${oc.env:NAME}` stands for an environment variable, so that no
                password is written down. None: SQLite in the folder.

        Raises:
            ConfigError: The folder holds something else.
            LamcoreError: The database cannot be made.
        """
        from lamcore_crystal.store.database import Database

        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise ConfigError(f"{folder}: is not an empty folder, expected a new one for the challenge; name another")
        folder.mkdir(parents=True, exist_ok=True)
        url = database_url if database_url is not None else DATABASE_FILE
        _write_settings(folder, url)
        return cls(folder, Database.create(_resolved_url(folder, url)))

    @classmethod
    def open(cls, folder: Path) -> Challenge:
        """A challenge that was made before.

        Raises:
            ConfigError: There is none in the folder.
            LamcoreError: The database cannot be opened.
        """
        from lamcore_crystal.store.database import Database

        settings = folder / SETTINGS_FILE
        if not settings.is_file():
            raise ConfigError(
                f"{folder}: not a challenge (it has no {SETTINGS_FILE}); make one with `lamcore crystal init {folder}`"
            )
        return cls(folder, Database.open(_resolved_url(folder, _read_url(settings))))

    @classmethod
    def take_up(cls, folder: Path) -> Challenge:
        """A challenge whose making may have been interrupted anywhere: also one without tables.

        Raises:
            ConfigError: The folder's settings cannot be read, or its database is something else.
            LamcoreError: The database cannot be opened.
        """
        from lamcore_crystal.store.database import Database
        from lamcore_crystal.store.errors import DatabaseMissingError

        url = _resolved_url(folder, _read_url(folder / SETTINGS_FILE))
        try:
            return cls(folder, Database.open(url))
        except DatabaseMissingError:
            return cls(folder, Database.create(url, begun=True))

    def is_entered(self) -> bool:
        """Whether the database holds the challenge with its model, its round and its sets, which come together."""
        from sqlalchemy import select

        from lamcore_crystal.store.schema import challenge

        with self.database.read() as connection:
            return connection.execute(select(challenge.c.id)).first() is not None

    def open_round(self, connection: Connection) -> OpenRound:
        """The round that is open.

        Raises:
            ChallengeError: None is.
        """
        from sqlalchemy import select

        from lamcore_crystal.store.schema import round_

        row = connection.execute(
            select(round_).where(round_.c.closed_at.is_(None)).order_by(round_.c.number.desc())
        ).first()
        if row is None:
            raise ChallengeError(
                f"{self.folder}: no round is open; `lamcore crystal init` was not finished: run it again"
            )
        return OpenRound(
            row.id,
            row.number,
            row.name,
            RoundSettings.from_json(row.settings),
            row.settings_sha256,
            row.secret,
            row.model_id,
            row.hull_id,
        )

    def model_overrides(self, connection: Connection) -> list[str]:
        """The model and its options, as on the command line."""
        from sqlalchemy import select

        from lamcore_crystal.store.schema import challenge

        overrides = connection.execute(select(challenge.c.model_overrides)).scalar_one()
        return [str(one) for one in overrides]

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep every other process from evaluating.

        Raises:
            BusyError: Another one does.
        """
        from filelock import FileLock, Timeout

        lock = FileLock(self.folder / _LOCK_FILE)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise self._busy() from None
        try:
            with self.database.alone() as gained:
                if not gained:
                    raise self._busy()
                yield
        finally:
            lock.release()

    def _busy(self) -> BusyError:
        return BusyError(
            f"{self.folder}: another process evaluates this challenge; wait for it, or stop it and give the same "
            "command again: what it has recorded is kept"
        )

    def close(self) -> None:
        """Let the database go."""
        self.database.close()

    def __enter__(self) -> Challenge:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()


def _write_settings(folder: Path, url: str) -> None:
    from omegaconf import OmegaConf

    text = OmegaConf.to_yaml(OmegaConf.create({"database": url}))
    comment = (
        "# The database: a file beside this one, or a URL of SQLAlchemy; ${oc.env:NAME} is an environment variable.\n"
    )
    (folder / SETTINGS_FILE).write_text(comment + text, encoding="utf-8")


def _read_url(settings: Path) -> str:
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError

    try:
        loaded: Any = OmegaConf.to_container(OmegaConf.load(settings), resolve=True)
    except (OSError, YAMLError, OmegaConfBaseException) as error:
        raise ConfigError(
            f"{settings}: cannot be read ({' '.join(str(error).split())}); expected `database: …`"
        ) from error
    if not isinstance(loaded, dict) or not isinstance(loaded.get("database"), str):
        raise ConfigError(f"{settings}: holds no `database`, expected the name of a file beside it or a URL")
    url: str = loaded["database"]
    return url


def _resolved_url(folder: Path, url: str) -> str | Path:
    from omegaconf import OmegaConf

    resolved = str(OmegaConf.to_container(OmegaConf.create({"database": url}), resolve=True)["database"])  # type: ignore[call-overload,index]
    return resolved if "://" in resolved else (folder / resolved).absolute()
