"""What this environment's models are, as JSON on standard output: `python -m lamcore.worker.describe [weights …]`."""

from __future__ import annotations

import json
import pkgutil
import re
import sys
from collections.abc import Mapping
from importlib import import_module, metadata
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from lamcore.errors import LamcoreError, PluginError
from lamcore.registry import Offer, load_registry
from lamcore.schema import REQUIRED, Option, check_options, option_help
from lamcore.versions import versions_of
from lamcore.worker.server import private_streams


def describe() -> list[dict[str, Any]]:
    """Every model: name, plugin, options with their types, defaults and help, and the text of its card."""
    registry = load_registry()
    return [
        {
            "name": name,
            "distribution": offer.plugin.distribution,
            "version": offer.plugin.version,
            "versions": versions_of(["lamcore", offer.plugin.distribution, *offer.spec.packages]),
            "options": [_option(option, option_help(offer.spec.build)) for option in offer.options().values()],
            "card": offer.spec.card.read_text(encoding="utf-8"),
            "has_weights": offer.spec.weights is not None,
        }
        for name, offer in registry.models.items()
        if offer.plugin.distribution != "lamcore"
    ]


def weights(name: str, options: Mapping[str, Any]) -> list[str]:
    """The files with a model's weights."""
    offer: Offer[Any] = load_registry().get("model", name)
    assert offer.spec.weights is not None
    return [
        str(Path(path).absolute()) for path in offer.spec.weights(**check_options(offer.options(), options, "model."))
    ]


def import_plugins() -> list[str]:
    """Import every module of every plugin with models, and with them what they stand on; the plugins' names.

    Raises:
        PluginError: A module cannot be imported, for another reason than an extra that is not installed.
    """
    offers = {str(offer.plugin): offer for offer in load_registry().models.values()}
    for plugin, offer in offers.items():
        package = import_module(offer.spec.build.__module__.split(".")[0])
        optional = _optional(offer.plugin.distribution)
        for module in pkgutil.iter_modules(getattr(package, "__path__", ())):
            try:
                import_module(f"{package.__name__}.{module.name}")
            except Exception as error:  # whatever it is, the environment is broken
                if isinstance(error, ModuleNotFoundError) and _distribution_name(error.name or "") in optional:
                    continue
                why = f"{type(error).__name__}: {error}"
                raise PluginError(f"{plugin}: {module.name} cannot be imported: {why}") from error
    return list(offers)


def _optional(distribution: str) -> set[str]:
    """What a distribution needs for its extras only."""
    requires = metadata.requires(distribution) or []
    names = (re.split(r"[^A-Za-z0-9._-]", text, maxsplit=1)[0] for text in requires if "extra ==" in text)
    return {_distribution_name(name) for name in names}


def _distribution_name(module: str) -> str:
    return module.split(".")[0].replace("_", "-").lower()


def _option(option: Option, texts: Mapping[str, str]) -> dict[str, Any]:
    return {
        "name": option.name,
        "type": _type(option.annotation),
        "required": option.default == REQUIRED,
        "default": option.default,
        "help": texts.get(option.name, ""),
    }


def _type(annotation: Any) -> Any:
    """A type as JSON, the reverse of what `lamcore.environments.store` reads."""
    if get_origin(annotation) is Literal:
        return {"literal": list(get_args(annotation))}
    if get_origin(annotation) is list:
        return {"list": _type(get_args(annotation)[0])}
    if get_origin(annotation) is not None:
        return {"union": [_type(part) for part in get_args(annotation)]}
    if annotation in (None, type(None)):
        return "null"
    return "path" if annotation is Path else annotation.__name__


def main() -> int:
    """Answer one question; what packages print goes to standard error."""
    _, answers = private_streams()
    try:
        if sys.argv[1:2] == ["weights"]:
            answer: Any = weights(sys.argv[2], json.loads(sys.argv[3]))
        else:
            answer = import_plugins() if sys.argv[1:2] == ["import"] else describe()
    except LamcoreError as error:
        print(error, file=sys.stderr)
        return 1
    answers.write(json.dumps(answer).encode())
    answers.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
