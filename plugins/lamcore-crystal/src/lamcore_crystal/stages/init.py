"""Open a challenge: its model, its rules, its reference crystals and the first frozen hull."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lamcore.errors import ConfigError
from lamcore_crystal.challenge import SETTINGS_FILE, Challenge
from lamcore_crystal.rounds import RoundSettings
from lamcore_crystal.stages.watching import Silent

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from lamcore_crystal.references import ExternalHull, NewSet
    from lamcore_crystal.stages.watching import Watcher

_COMPUTING = ("executor", "worker", "batch")


def init(
    folder: Path,
    overrides: Sequence[str],
    *,
    name: str | None = None,
    settings: RoundSettings | None = None,
    sets: Sequence[NewSet],
    licence: str = "CC-BY-4.0",
    read_access: Literal["open", "token"] = "open",
    database_url: str | None = None,
    external: Sequence[ExternalHull] = (),
    watcher: Watcher | None = None,
) -> Challenge:
    """Make a challenge in a new folder; one that was interrupted is taken up when it is asked for in the same way.

    Args:
        folder: New, empty, or of a challenge whose references are not all relaxed yet.
        overrides: Model, executor, worker and batch, as on the command line. The model belongs to the challenge.
        name: For people; the folder's unless given.
        settings: Of the first round; rules and labels that are not named are the default ones.
        sets: Reference crystals: those of the hull, and those that a structure has to differ from to be novel.
        licence: Of the database as released.
        read_access: Whether reading over the network needs a token.
        database_url: As for `Challenge.create`.
        external: Hulls of other methods, which accepted crystals are measured from as well.
        watcher: Is told how it goes.

    Raises:
        ConfigError: An override or a setting is not right, or the folder holds something else.
        LamcoreError: The model cannot be built or the database not written.
    """
    from lamcore_crystal.compute import Relaxer, model_identity, select_model
    from lamcore_crystal.extensions import check_names, default_labels, default_rules
    from lamcore_crystal.stages.external import add_external
    from lamcore_crystal.stages.references import add_set, check_model, freeze_references

    _refuse_repeated("reference sets", [one.name for one in sets])
    _refuse_repeated("external hulls", [one.name for one in external])
    given = settings or RoundSettings()
    full = replace(given, rules=given.rules or default_rules(), labels=given.labels or default_labels())
    check_names(full)
    of_model = _of_model(overrides)
    selection = select_model(overrides)
    watcher = watcher or Silent()
    with Relaxer(selection) as relaxer:
        elements = relaxer.elements
        begun = (folder / SETTINGS_FILE).is_file()
        challenge = Challenge.take_up(folder) if begun else Challenge.create(folder, database_url)
        if challenge.is_entered():
            _refuse_another(challenge, full, [one.name for one in sets])
        else:
            with challenge.database.write() as connection:
                identity = model_identity(selection)
                model_id = _enter(connection, name or folder.name, licence, read_access, of_model, identity)
                _open_first_round(connection, full, model_id)
                for one in sets:
                    n_members = add_set(connection, one, full.matching, elements)
                    watcher.said(
                        f"reference set {one.name}: {n_members} of {len(one.members)} crystals, by the model's elements"
                    )
                for hull in external:
                    watcher.said(add_external(connection, hull, elements))
        with challenge.held():
            with challenge.database.read() as connection:
                open_round = challenge.open_round(connection)
            check_model(challenge.database, open_round, selection)
            if open_round.hull_id is None:
                freeze_references(challenge, relaxer, watcher)
    return challenge


def _of_model(overrides: Sequence[str]) -> list[str]:
    """Those that choose the model, without those that say how to compute."""
    chosen = [one for one in overrides if one.split("=")[0].lstrip("+~").split(".")[0] not in _COMPUTING]
    foreign = [one for one in chosen if one.split("=")[0].lstrip("+~").split(".")[0] != "model"]
    if foreign:
        raise ConfigError(
            f"{foreign[0]}: a challenge takes model=…, model.<option>=…, round.<field>=…, executor=…, worker=… and "
            "batch.<option>=…"
        )
    return chosen


def _enter(
    connection: Connection, name: str, licence: str, read_access: str, overrides: list[str], identity: dict[str, Any]
) -> int:
    from lamcore_crystal.store.schema import challenge
    from lamcore_crystal.store.writing import add_event, add_model, now

    connection.execute(
        challenge.insert().values(
            name=name, created_at=now(), read_access=read_access, licence=licence, model_overrides=overrides
        )
    )
    add_event(connection, "challenge", {"name": name})
    return add_model(connection, str(identity["name"]), identity)


def _open_first_round(connection: Connection, settings: RoundSettings, model_id: int) -> None:
    from lamcore_crystal.store.schema import round_
    from lamcore_crystal.store.writing import add_event, now

    connection.execute(
        round_.insert().values(
            number=1,
            name="round 1",
            opened_at=now(),
            settings=settings.as_json(),
            settings_sha256=settings.sha256(),
            secret=secrets.token_hex(32),
            model_id=model_id,
        )
    )
    add_event(connection, "round", {"number": 1})


def _refuse_repeated(what: str, names: Sequence[str]) -> None:
    repeated = sorted({one for one in names if names.count(one) > 1})
    if repeated:
        raise ConfigError(f"two {what} are called {repeated[0]!r}; give each a name of its own")


def _refuse_another(challenge: Challenge, settings: RoundSettings, sets: Sequence[str]) -> None:
    from sqlalchemy import select

    from lamcore_crystal.store.schema import reference_set

    with challenge.database.read() as connection:
        open_round = challenge.open_round(connection)
        known = list(connection.execute(select(reference_set.c.name).order_by(reference_set.c.id)).scalars())
    if open_round.hull_id is not None:
        challenge.close()
        raise ConfigError(
            f"{challenge.folder}: is a challenge already; `lamcore crystal submit` and go on, or name another"
        )
    same_rules = open_round.settings_sha256 == settings.sha256()
    if not same_rules or known != list(sets):
        challenge.close()
        raise ConfigError(
            f"{challenge.folder}: was begun with other {'reference sets' if same_rules else 'rules'} and interrupted; "
            "give the same command again, or delete the folder"
        )
