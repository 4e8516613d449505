"""`round.<field>=<value>` on the command line, as changes of a round's settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lamcore.errors import ConfigError
from lamcore.schema import did_you_mean
from lamcore_crystal.rounds import RoundSettings

_PREFIX = "round."


def split_overrides(overrides: Sequence[str]) -> tuple[list[str], list[str]]:
    """Those of the round, and the others."""
    mine = [one for one in overrides if one.startswith(_PREFIX)]
    return mine, [one for one in overrides if not one.startswith(_PREFIX)]


def changed(settings: RoundSettings, overrides: Sequence[str]) -> RoundSettings:
    """Settings with some fields changed.

    Args:
        settings: Before.
        overrides: Such as `round.relaxation.fmax=0.05` or `round.rules=[finite,overlap]`.

    Raises:
        ConfigError: A field does not exist, or a value does not fit.
    """
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException
    from pydantic import TypeAdapter, ValidationError
    from yaml import YAMLError

    plain = settings.as_json()
    for override in overrides:
        key, equals, _ = override.removeprefix(_PREFIX).partition("=")
        if not equals:
            raise ConfigError(f"{override!r}: expected {_PREFIX}<field>=<value>")
        _check_field(key, plain)
    try:
        given = OmegaConf.from_dotlist([one.removeprefix(_PREFIX) for one in overrides])
        merged: Any = OmegaConf.to_container(OmegaConf.merge(OmegaConf.create(plain), given))
    except (OmegaConfBaseException, YAMLError) as error:
        raise ConfigError(f"the fields of the round cannot be read: {' '.join(str(error).split())}") from error
    try:
        return TypeAdapter(RoundSettings).validate_python(merged)
    except ValidationError as error:
        first = error.errors()[0]
        where = _PREFIX + ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"{where}: got {first['input']!r}; {first['msg']}") from error


def _check_field(key: str, plain: Mapping[str, Any]) -> None:
    here: Any = plain
    for part in key.split("."):
        if not isinstance(here, Mapping) or part not in here:
            known = list(here) if isinstance(here, Mapping) else []
            fields = f"; fields there: {', '.join(known)}" if known else ""
            raise ConfigError(f"{_PREFIX}{key}: there is no field {part!r}{did_you_mean(part, known)}{fields}")
        here = here[part]
