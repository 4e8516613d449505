"""`lamcore env add|list|check|remove`."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from urllib.parse import urlparse
from urllib.request import url2pathname

from lamcore.environments.resolve import Uv, fewest_groups
from lamcore.environments.store import (
    Environment,
    describe,
    environments_folder,
    remember,
    remembered,
    unusable,
)
from lamcore.errors import ConfigError, LamcoreError, UnknownNameError
from lamcore.schema import unknown


def add(plugins: Sequence[str], constraints: Sequence[str], python: str | None) -> int:
    """Make the fewest environments that hold these plugins and those that are remembered already.

    An environment that holds none of the named plugins, and keeps those that it has, is left as it is; the others are
    made anew, so that naming a plugin again brings its newest version.
    """
    uv = Uv(constraints, python)
    before = {environment.requirements: environment for environment in remembered()}
    named = list(dict.fromkeys(map(requirement_of, plugins)))
    wanted = list(dict.fromkeys([*(requirement for group in before for requirement in group), *named]))
    core = requirement_of_core()
    groups = fewest_groups(wanted, lambda group: uv.problem([core, *group]))
    for group in groups:
        if group in before and not set(group) & set(named):
            print(f"{before[group].name}: unchanged, holds {', '.join(group)}")
            continue
        folder = environments_folder() / _name(group)
        print(f"{folder.name}: installing {', '.join(group)} …", flush=True)
        environment = remember(folder, uv.make(folder / "venv", [core, *group]), group)
        for requirements, old in before.items():
            if set(requirements) <= set(group) and requirements not in groups and old.folder.exists():
                shutil.rmtree(old.folder)
        print(f"{environment.name}: models {_models(environment)}")
    for requirements, old in before.items():
        if requirements not in groups and old.folder.exists():
            shutil.rmtree(old.folder)
    return 0


def list_environments() -> int:
    """Print what is remembered."""
    environments, broken = remembered(), unusable()
    if not environments and not broken:
        print("no environments yet; `lamcore env add <plugin> …` makes them")
    for environment in environments:
        print(f"{environment.name}: models {_models(environment)}")
        print(f"  python: {environment.python}")
        for model in {model["distribution"]: model for model in environment.models}.values():
            print(f"  {model['distribution']} {model['version']}")
    for folder in broken:
        print(f"{folder.name}: damaged, or not made to the end; `lamcore env remove {folder.name}` and add it again")
    return 0


def check() -> int:
    """Start each environment, import its plugins, and remember what they offer now."""
    status = 0
    for environment in remembered():
        try:
            imported = describe(environment.python, "import")
            now = remember(environment.folder, environment.python, environment.requirements)
        except LamcoreError as error:
            print(f"{environment.name}: broken: {error}")
            print(f"  to mend it: lamcore env remove {environment.name}, and add its plugins again")
            status = 1
            continue
        changed = "" if now.models == environment.models else ", changed since it was last looked at"
        print(f"{environment.name}: works, models {_models(now)}{changed}; imported {', '.join(imported)}")
        for name, version in _versions(now).items():
            print(f"  {name} {version}")
        if (there := _versions(now).get("lamcore")) != metadata.version("lamcore"):
            print(f"  its lamcore is {there}, here it is {metadata.version('lamcore')}: add its plugins again")
            status = 1
    for folder in unusable():
        print(f"{folder.name}: damaged, or not made to the end; `lamcore env remove {folder.name}`")
        status = 1
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
    """What uv installs for a plugin: `mace` is `lamcore-mace`; a wheel or a source folder is given by its path.

    Raises:
        ConfigError: It is neither a path nor a requirement.
    """
    from packaging.requirements import InvalidRequirement, Requirement

    path = Path(plugin).expanduser()
    if path.suffix == ".whl" or (path / "pyproject.toml").is_file():
        return str(path.absolute())
    try:
        requirement = Requirement(plugin)
    except InvalidRequirement as error:
        raise ConfigError(
            f"{plugin!r} is no plugin: give a name, a wheel, or a folder with a pyproject.toml"
        ) from error
    name = requirement.name.replace("_", "-")
    requirement.name = name if name.startswith("lamcore-") else f"lamcore-{name}"
    return str(requirement)


def requirement_of_core() -> str:
    """The lamcore that is installed here: from the same place, or of the same version."""
    distribution = metadata.distribution("lamcore")
    source = json.loads(distribution.read_text("direct_url.json") or "{}")
    if not source.get("url", "").startswith("file://"):
        return f"lamcore=={distribution.version}"
    path = url2pathname(urlparse(source["url"]).path)
    return f"--editable {path}" if source.get("dir_info", {}).get("editable") else path


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
