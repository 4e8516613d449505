"""`lamcore env add|list|check|remove`."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from lamcore.environments.resolve import Uv, fewest_groups
from lamcore.environments.store import Environment, environments_folder, remember, remembered
from lamcore.errors import LamcoreError, UnknownNameError
from lamcore.schema import unknown


def add(plugins: Sequence[str], constraints: Sequence[str], python: str | None) -> int:
    """Make the fewest environments that hold these plugins and those that are remembered already.

    An environment that keeps its plugins is left as it is.
    """
    uv = Uv(constraints, python)
    before = {environment.requirements: environment for environment in remembered()}
    wanted = [requirement for group in before for requirement in group]
    wanted += [name for name in map(requirement_of, plugins) if name not in wanted]
    core = requirement_of_core()
    groups = fewest_groups(wanted, lambda group: uv.problem([core, *group]))
    for group in groups:
        if group in before:
            print(f"{before[group].name}: unchanged, holds {', '.join(group)}")
            continue
        folder = environments_folder() / _name(group)
        print(f"{folder.name}: installing {', '.join(group)} …", flush=True)
        environment = remember(folder, uv.make(folder / "venv", [core, *group]), group)
        print(f"{environment.name}: models {_models(environment)}")
    for requirements, environment in before.items():
        if requirements not in groups:
            shutil.rmtree(environment.folder)
    return 0


def list_environments() -> int:
    """Print what is remembered."""
    environments = remembered()
    if not environments:
        print("no environments yet; `lamcore env add <plugin> …` makes them")
    for environment in environments:
        print(f"{environment.name}: models {_models(environment)}")
        print(f"  python: {environment.python}")
        for model in {model["distribution"]: model for model in environment.models}.values():
            print(f"  {model['distribution']} {model['version']}")
    return 0


def check() -> int:
    """Start each environment, compare it with what is remembered, and remember what it offers now."""
    status = 0
    for environment in remembered():
        try:
            now = remember(environment.folder, environment.python, environment.requirements)
        except LamcoreError as error:
            print(f"{environment.name}: broken: {error}")
            print(f"  to mend it: lamcore env remove {environment.name}, and add its plugins again")
            status = 1
        else:
            changed = "" if now.models == environment.models else ", changed since it was last looked at"
            print(f"{environment.name}: works, models {_models(now)}{changed}")
            for name, version in _versions(now).items():
                print(f"  {name} {version}")
    return status


def remove(names: Sequence[str]) -> int:
    """Delete environments.

    Raises:
        UnknownNameError: There is none of this name.
    """
    known = {path.name: path for path in environments_folder().glob("*") if path.is_dir()}
    for name in names:
        if name not in known:
            raise UnknownNameError(unknown(name, name, known, "environment"))
    for name in names:
        shutil.rmtree(known[name])
        print(f"{name}: removed")
    return 0


def requirement_of(plugin: str) -> str:
    """What uv installs for a plugin: `mace` is `lamcore-mace`; a wheel or a folder is given by its path."""
    path = Path(plugin).expanduser()
    if path.exists() and (path.is_dir() or path.suffix == ".whl"):
        return str(path.absolute())
    return plugin if plugin.startswith("lamcore-") or not plugin.isidentifier() else f"lamcore-{plugin}"


def requirement_of_core() -> str:
    """The lamcore that is installed here: from the same place, or of the same version."""
    distribution = metadata.distribution("lamcore")
    source = json.loads(distribution.read_text("direct_url.json") or "{}").get("url", "")
    return source.removeprefix("file://") if source.startswith("file://") else f"lamcore=={distribution.version}"


def _name(group: Sequence[str]) -> str:
    """Of the environment's folder: the plugins' names, and a few digits that tell apart what is called the same."""
    digits = hashlib.sha256("\n".join(group).encode()).hexdigest()[:6]
    return "-".join([*map(_short_name, group), digits])


def _short_name(requirement: str) -> str:
    """`mace` of `lamcore-mace>=0.2`, of the wheel `lamcore_mace-0.2.0-….whl` and of the folder `lamcore-mace`."""
    name = Path(requirement).name
    name = name.split("-")[0] if name.endswith(".whl") else re.split(r"[^\w.-]", name, maxsplit=1)[0]
    return name.replace("_", "-").removeprefix("lamcore-")


def _models(environment: Environment) -> str:
    return ", ".join(model["name"] for model in environment.models) or "none"


def _versions(environment: Environment) -> dict[str, str]:
    return {name: version for model in environment.models for name, version in model["versions"].items()}
