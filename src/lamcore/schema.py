"""A builder's signature as the schema of its configuration: names, types, defaults and help."""

from __future__ import annotations

import difflib
import functools
import inspect
import math
import types
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from lamcore.errors import ConfigError, PluginError, UnknownNameError

REQUIRED = "???"  # OmegaConf's word for a value that must be given


@dataclass(frozen=True)
class Option:
    """One option of a builder.

    Attributes:
        name: As in the builder's signature.
        annotation: The type, resolved.
        default: `REQUIRED` where the builder has none.
    """

    name: str
    annotation: Any
    default: Any

    @property
    def type_name(self) -> str:
        """The type as a user reads it: `int`, `'a' | 'b'`, `list of float`."""
        return _type_name(self.annotation)


def options_of(build: Callable[..., Any]) -> dict[str, Option]:
    """The options of a builder, in the order of its signature.

    Raises:
        PluginError: A parameter has no type, a type that a configuration cannot hold, or is variadic.
    """
    options = {}
    function = build.func if isinstance(build, functools.partial) else build
    for parameter in inspect.signature(build).parameters.values():
        where = f"builder {getattr(function, '__qualname__', function)}, parameter {parameter.name!r}"
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise PluginError(f"{where}: is {parameter.kind.description}, expected a named parameter")
        if parameter.annotation is parameter.empty:
            raise PluginError(f"{where}: has no type; annotate it")
        annotation = parameter.annotation
        if isinstance(annotation, str):
            scope = inspect.unwrap(function.__init__ if inspect.isclass(function) else function)
            try:
                annotation = eval(annotation, getattr(scope, "__globals__", {}))  # the plugin's own source text
            except Exception as error:  # whatever the plugin's text raises
                raise PluginError(f"{where}: the type {annotation} cannot be resolved: {error}") from error
        if not _is_supported(annotation):
            raise PluginError(
                f"{where}: the type {annotation} cannot be configured; use int, float, str, bool, Path, Literal, list"
            )
        default = REQUIRED if parameter.default is parameter.empty else _plain(parameter.default)
        options[parameter.name] = Option(parameter.name, annotation, default)
    return options


def option_help(build: Callable[..., Any]) -> dict[str, str]:
    """What the `Args:` section of a builder's docstring says of each option, on one line each."""
    from docstring_parser import parse

    function = build.func if isinstance(build, functools.partial) else build
    texts = [function.__doc__ or ""]
    if inspect.isclass(function):
        texts.append(function.__init__.__doc__ or "")
    return {
        parameter.arg_name: " ".join((parameter.description or "").split())
        for text in texts
        for parameter in parse(inspect.cleandoc(text)).params
    }


def check_options(options: Mapping[str, Option], given: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Values for a builder, checked and converted.

    Args:
        options: The schema.
        given: Values by name; options that are not given keep their defaults.
        where: Such as `model.`, put before an option's name in messages.

    Raises:
        UnknownNameError: A name is not in the schema.
        ConfigError: A value is missing or does not fit.
    """
    for name in given:
        if name not in options:
            raise UnknownNameError(
                unknown(f"{where}{name}", f"{where}{name}", [f"{where}{key}" for key in options], "option")
            )
    values = {}
    for name, option in options.items():
        value = given.get(name, option.default)
        if value == REQUIRED:
            raise ConfigError(f"{where}{name} is required: give {where}{name}=<{option.type_name}>")
        fits, converted = _convert(option.annotation, value)
        if not fits:
            choices = _choices(option.annotation)
            hint = did_you_mean(str(value), [str(choice) for choice in choices])
            raise ConfigError(f"{where}{name}: got {value!r}, expected {option.type_name}{hint}")
        values[name] = converted
    return values


def unknown(label: str, got: str, names: Iterable[str], kind: str) -> str:
    """The message for a name that does not exist."""
    names = sorted(names)
    listed = f"there {'is' if len(names) == 1 else 'are'}: {', '.join(names) if names else 'none'}"
    guess = did_you_mean(got, names)
    return f"unknown {kind} {label!r}{guess} T{listed[1:]}" if guess else f"unknown {kind} {label!r}; {listed}"


def did_you_mean(got: str, names: Iterable[str]) -> str:
    """`; did you mean 'x'?` where something comes close, else nothing."""
    close = difflib.get_close_matches(got, list(names), n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""


def _is_union(annotation: Any) -> bool:
    return get_origin(annotation) in (Union, types.UnionType)


def _is_supported(annotation: Any) -> bool:
    if annotation in (bool, int, float, str, Path, None, type(None)):
        return True
    if get_origin(annotation) is Literal:
        return True
    if get_origin(annotation) is list or _is_union(annotation):
        return all(_is_supported(argument) for argument in get_args(annotation))
    return False


def _convert(annotation: Any, value: Any) -> tuple[bool, Any]:
    """Whether a value fits a type, and the value as that type."""
    if _is_union(annotation):
        for argument in sorted(get_args(annotation), key=lambda kind: kind in (str, Path)):
            fits, converted = _convert(argument, value)
            if fits:
                return True, converted
        return False, value
    if get_origin(annotation) is Literal:
        return value in get_args(annotation) and not (
            isinstance(value, bool) and True not in get_args(annotation)
        ), value
    if get_origin(annotation) is list:
        if not isinstance(value, list | tuple):
            return False, value
        items = [_convert(get_args(annotation)[0], item) for item in value]
        return all(fits for fits, _ in items), [item for _, item in items]
    if annotation in (None, type(None)):
        return value is None, None
    if isinstance(value, bool) or annotation is bool:
        return isinstance(value, bool) and annotation is bool, value
    if annotation is float:
        fits = isinstance(value, int | float) and math.isfinite(value)
        return fits, float(value) if fits else value
    if annotation is int:
        return isinstance(value, int), value
    if annotation is Path:
        return isinstance(value, str | Path), Path(value).expanduser() if isinstance(value, str | Path) else value
    # Hydra reads an unquoted 2024 or 0.3 as a number; where text is meant it is text.
    return isinstance(value, str | int | float), str(value)


def _choices(annotation: Any) -> list[Any]:
    if get_origin(annotation) is Literal:
        return list(get_args(annotation))
    if _is_union(annotation):
        return [choice for argument in get_args(annotation) for choice in _choices(argument)]
    return []


def _type_name(annotation: Any) -> str:
    if _is_union(annotation):
        return " | ".join(_type_name(argument) for argument in get_args(annotation))
    if get_origin(annotation) is Literal:
        return " | ".join(repr(choice) for choice in get_args(annotation))
    if get_origin(annotation) is list:
        return f"list of {_type_name(get_args(annotation)[0])}"
    if annotation in (None, type(None)):
        return "null"
    return "path" if annotation is Path else str(annotation.__name__)


def _plain(default: Any) -> Any:
    if isinstance(default, Path):
        return str(default)
    if isinstance(default, tuple):
        return list(default)
    return default
