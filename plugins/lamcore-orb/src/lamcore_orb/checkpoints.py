"""The checkpoints of orb-models: their names, what each is, and where its file is, without importing the package."""

from __future__ import annotations

import logging
import warnings
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Literal
from zipfile import is_zipfile

from lamcore.data_files import sha256
from lamcore.errors import ConfigError, UnknownNameError
from lamcore.model_tools import process_left_as_found

logger = logging.getLogger(__name__)

SERVER = "https://orbitalmaterials-public-models.s3.us-west-1.amazonaws.com/forcefields"
"""Where orb-models downloads from."""

Family = Literal["orb-v2", "orb-v3-conservative", "orb-v3-direct"]
TrainedOn = Literal["crystals", "molecules"]


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint's weights do not say about themselves.

    Attributes:
        file: Its file, below `SERVER`.
        family: Which of the package's architectures it has; the sizes of the layers are read from the weights.
        max_neighbours: How many of its nearest neighbours an atom has edges to.
        trained_on: Crystals, or molecules: the latter models take a charge and a spin and give no stress.
    """

    file: str
    family: Family
    max_neighbours: int
    trained_on: TrainedOn = "crystals"


def _v3(kind: str, neighbours: str, data: str) -> Checkpoint:
    return Checkpoint(
        file=f"orb-v3/orb-v3-{kind}-{neighbours}-{data}-20250404.ckpt",
        family="orb-v3-conservative" if kind == "conservative" else "orb-v3-direct",
        max_neighbours=120 if neighbours == "inf" else int(neighbours),
    )


NAMED = {
    **{
        f"orb-v3-{kind}-{neighbours}-{data}": _v3(kind, neighbours, data)
        for kind in ("conservative", "direct")
        for neighbours in ("inf", "20")
        for data in ("omat", "mpa")
    },
    "orb-v3-conservative-omol": Checkpoint(
        "orb-v3-conservative-omol-20250820.ckpt", "orb-v3-conservative", 120, "molecules"
    ),
    "orb-v3-direct-omol": Checkpoint("orb-v3-direct-omol-20250820.ckpt", "orb-v3-direct", 120, "molecules"),
    "orb-v2": Checkpoint("orb-v2-20241011.ckpt", "orb-v2", 20),
    "orb-d3-v2": Checkpoint("orb-d3-v2-20241011.ckpt", "orb-v2", 20),
    "orb-d3-sm-v2": Checkpoint("orb-d3-sm-v2-20241011.ckpt", "orb-v2", 20),
    "orb-d3-xs-v2": Checkpoint("orb-d3-xs-v2-20241011.ckpt", "orb-v2", 20),
    "orb-mptraj-only-v2": Checkpoint("orb-mptraj-only-v2-20241014.ckpt", "orb-v2", 20),
    "separate-d3-3layer": Checkpoint("separate-d3-3layer.ckpt", "orb-v3-direct", 120),
    "separate-d3-5layer": Checkpoint("separate-d3-5layer.ckpt", "orb-v3-direct", 120),
    "separate-d4-3layer": Checkpoint("separate-d4-3layer.ckpt", "orb-v3-direct", 120),
    "separate-d4-5layer": Checkpoint("separate-d4-5layer.ckpt", "orb-v3-direct", 120),
}
"""Every checkpoint of orb-models that can still be had."""

WITHDRAWN = ("orb-v1", "orb-d3-v1", "orb-d3-sm-v1", "orb-d3-xs-v1", "orb-v1-mptraj-only")
"""Names that orb-models keeps only to say that they are gone."""


def resolve(checkpoint: str, architecture: str | None) -> Checkpoint:
    """What a checkpoint is; nothing is fetched.

    Args:
        checkpoint: One of orb-models' names, in any case, or the path of a file.
        architecture: For a path, the name whose architecture the file has.

    Raises:
        UnknownNameError: The checkpoint is neither a name nor a file, or the architecture is not a name.
        ConfigError: The architecture is missing for a path, or given for a name.
    """
    name = checkpoint.lower()
    if name in NAMED:
        if architecture is not None:
            raise ConfigError(f"checkpoint {checkpoint!r} has its architecture from its name; leave architecture out")
        return NAMED[name]
    if name in WITHDRAWN:
        raise UnknownNameError(f"checkpoint {checkpoint!r} was withdrawn by orb-models; use orb-v2 or an orb-v3 name")
    if not Path(checkpoint).expanduser().is_file():
        raise UnknownNameError(
            f"checkpoint {checkpoint!r} is neither a file nor a name that orb-models knows{_nearest(name)} "
            f"Names: {', '.join(NAMED)}"
        )
    if architecture is None:
        raise ConfigError(
            f"checkpoint {checkpoint!r} is a file, which does not say how it was built; set architecture to the name "
            f"that it was trained from: {', '.join(NAMED)}"
        )
    if architecture.lower() not in NAMED:
        raise UnknownNameError(
            f"architecture is {architecture!r}, expected a name of orb-models{_nearest(architecture.lower())} "
            f"Names: {', '.join(NAMED)}"
        )
    return NAMED[architecture.lower()]


def checkpoint_path(checkpoint: str, expected_sha256: str | None) -> Path:
    """The file of a checkpoint, downloaded by orb-models' own means where it is not in its cache.

    Args:
        checkpoint: One of orb-models' names, in any case, or the path of a file.
        expected_sha256: Hexadecimal digits, or None for whatever the file is.

    Raises:
        ConfigError: It could not be downloaded, is not whole, or has another SHA-256. The message says which file to
            put where.
    """
    named = NAMED.get(checkpoint.lower())
    path = Path(checkpoint).expanduser().absolute() if named is None else _fetch(checkpoint, f"{SERVER}/{named.file}")
    if expected_sha256 is not None and (found := sha256(path)) != expected_sha256.lower():
        raise ConfigError(
            f"checkpoint {checkpoint!r}: SHA-256 of {path} is {found} ({path.stat().st_size} bytes), "
            f"expected {expected_sha256.lower()}; put the right file there, or correct the option sha256"
        )
    return path


def _fetch(checkpoint: str, url: str) -> Path:
    with process_left_as_found():
        # Clients of stores that orb-models does not use come along, and some warn of this and that when imported.
        warnings.simplefilter("ignore")
        from cached_path import cached_path, get_cache_dir
        from cached_path.util import find_latest_cached, resource_to_filename

    place = Path(get_cache_dir()) / resource_to_filename(url)
    by_hand = (
        f"fetch {url} on another machine and put it at {place}, or give its path as checkpoint with "
        f"architecture={checkpoint.lower()} (the environment variable CACHED_PATH_CACHE_ROOT moves the cache)"
    )
    # The files are dated and do not change. To ask the server first, as cached_path does, takes half a minute offline.
    cached = find_latest_cached(url)
    if cached is not None:
        if not is_zipfile(cached):
            raise ConfigError(
                f"checkpoint {checkpoint!r}: {cached} is not a whole file ({cached.stat().st_size} bytes); delete it "
                f"and try again, or {by_hand}"
            )
        return Path(cached)
    logger.info("downloading %s", url)
    try:
        path = Path(cached_path(url, quiet=True))
    except OSError as error:  # every error of requests is one, and so is a missing file or a full disk
        reason = " ".join(str(error).split())[:200]
        raise ConfigError(
            f"checkpoint {checkpoint!r}: could not download {url}: {type(error).__name__}: {reason}; "
            f"try again, or {by_hand}"
        ) from error
    if not is_zipfile(path):
        size = path.stat().st_size
        path.unlink()
        raise ConfigError(
            f"checkpoint {checkpoint!r}: what {url} sent is not a whole file ({size} bytes); try again, or {by_hand}"
        )
    return path


def _nearest(name: str) -> str:
    close = get_close_matches(name, NAMED, n=1)
    return f"; did you mean {close[0]!r}?" if close else "."
