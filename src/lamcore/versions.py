"""Versions of installed distributions and of what they require."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from importlib import metadata


def versions_of(distributions: Iterable[str]) -> dict[str, str]:
    """Installed versions of these and of what they require."""
    distributions = list(distributions)
    required = {name for distribution in distributions for name in _requirements(distribution)}
    return _installed({*distributions, *required})


def _requirements(distribution: str) -> Iterable[str]:
    try:
        requires: Sequence[str] = metadata.requires(distribution) or ()
    except metadata.PackageNotFoundError:
        return
    for requirement in requires:
        if "extra ==" not in requirement:
            yield re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]


def _installed(names: Iterable[str]) -> dict[str, str]:
    versions = {}
    for name in sorted(names, key=str.lower):
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "not installed"
    return versions
