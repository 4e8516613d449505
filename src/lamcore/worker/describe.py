"""What this environment's models are, as JSON on standard output: `python -m lamcore.worker.describe [weights …]`."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from lamcore.errors import LamcoreError
from lamcore.registry import Offer, load_registry
from lamcore.schema import REQUIRED, Option, check_options, option_help
from lamcore.versions import versions_of


def describe() -> list[dict[str, Any]]:
    """Every model: name, plugin, options with their types, defaults and help, and the text of its card."""
    registry = load_registry()
    return [
        {
            "name": name,
            "distribution": offer.plugin.distribution,
            "version": offer.plugin.version,
            "versions": versions_of([offer.plugin.distribution, *offer.spec.packages]),
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
    """Answer one question."""
    try:
        answer: Any = weights(sys.argv[2], json.loads(sys.argv[3])) if sys.argv[1:2] == ["weights"] else describe()
    except LamcoreError as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps(answer))
    return 0


if __name__ == "__main__":
    sys.exit(main())
