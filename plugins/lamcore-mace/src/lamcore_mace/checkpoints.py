"""Where the checkpoints of MACE are: by the package's own names, in the package's own cache, without importing it."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lamcore.cards import ModelCard, load_card
from lamcore.data_files import sha256 as sha256_of
from lamcore.errors import ConfigError, DataError, UnknownNameError
from lamcore.schema import did_you_mean
from lamcore_mace.download import fetch

CARD: Final = Path(__file__).with_name("card.yaml")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Foundation:
    """A checkpoint that mace offers for download.

    Attributes:
        url: Where mace gets it.
        file: Its name in mace's cache.
        head: The head that mace itself takes unless told otherwise, where the checkpoint leaves a choice.
        commercial: Whether the licence of the weights permits commercial use.
    """

    url: str
    file: str
    head: str | None = None
    commercial: bool = True


_MP = "https://github.com/ACEsuit/mace-mp/releases/download"
_FOUNDATIONS = "https://github.com/ACEsuit/mace-foundations/releases/download"
_OFF = "https://raw.githubusercontent.com/ACEsuit/mace-off/main/mace_off23"


def _mp(url: str, commercial: bool = True) -> Foundation:
    # mace keeps letters, digits and underscores of the address's last part.
    name = "".join(c for c in url.rsplit("/", 1)[1] if c.isalnum() or c == "_")
    return Foundation(url, name, commercial=commercial)


def _academic(url: str, head: str | None = None) -> Foundation:
    return Foundation(url, url.rsplit("/", 1)[1], head, commercial=False)


FOUNDATIONS: Final = {
    "small": _mp(f"{_MP}/mace_mp_0/2023-12-10-mace-128-L0_energy_epoch-249.model"),
    "medium": _mp(f"{_MP}/mace_mp_0/2023-12-03-mace-128-L1_epoch-199.model"),
    "large": _mp(f"{_MP}/mace_mp_0/MACE_MPtrj_2022.9.model"),
    "small-0b": _mp(f"{_MP}/mace_mp_0b/mace_agnesi_small.model"),
    "medium-0b": _mp(f"{_MP}/mace_mp_0b/mace_agnesi_medium.model"),
    "small-0b2": _mp(f"{_MP}/mace_mp_0b2/mace-small-density-agnesi-stress.model"),
    "medium-0b2": _mp(f"{_MP}/mace_mp_0b2/mace-medium-density-agnesi-stress.model"),
    "large-0b2": _mp(f"{_MP}/mace_mp_0b2/mace-large-density-agnesi-stress.model"),
    "medium-0b3": _mp(f"{_MP}/mace_mp_0b3/mace-mp-0b3-medium.model"),
    "medium-mpa-0": _mp(f"{_MP}/mace_mpa_0/mace-mpa-0-medium.model"),
    "small-omat-0": _mp(f"{_MP}/mace_omat_0/mace-omat-0-small.model", commercial=False),
    "medium-omat-0": _mp(f"{_MP}/mace_omat_0/mace-omat-0-medium.model", commercial=False),
    "mace-matpes-pbe-0": _mp(f"{_FOUNDATIONS}/mace_matpes_0/MACE-matpes-pbe-omat-ft.model", commercial=False),
    "mace-matpes-r2scan-0": _mp(f"{_FOUNDATIONS}/mace_matpes_0/MACE-matpes-r2scan-omat-ft.model", commercial=False),
    "mh-0": _mp(f"{_FOUNDATIONS}/mace_mh_1/mace-mh-0.model", commercial=False),
    "mh-1": _mp(f"{_FOUNDATIONS}/mace_mh_1/mace-mh-1.model", commercial=False),
    "mace-off23-small": _academic(f"{_OFF}/MACE-OFF23_small.model"),
    "mace-off23-medium": _academic(f"{_OFF}/MACE-OFF23_medium.model"),
    "mace-off23-large": _academic(f"{_OFF}/MACE-OFF23_large.model"),
    "mace-omol-0": _academic(f"{_FOUNDATIONS}/mace_omol_0/MACE-omol-0-extra-large-1024.model", head="omol"),
    # mace itself would put this one into its own package folder.
    "mace-anicc": Foundation(
        "https://github.com/ACEsuit/mace/raw/main/mace/calculators/foundations_models/ani500k_large_CC.model",
        "ani500k_large_CC.model",
    ),
}
"""Checkpoints by name. Names that are only sizes (`small` of mace_off, `extra_large` of mace_omol) get a prefix."""

UNSUPPORTED: Final = {
    name: "its electrostatics come from the package graph_longrange, which this plugin does not batch"
    for name in ("polar-1-s", "polar-1-m", "polar-1-l")
}
"""Names that mace knows and this plugin refuses, with the reason."""


def cache_folder() -> Path:
    """Where mace keeps what it downloads: `mace` in `XDG_CACHE_HOME` or in `~/.cache`."""
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "mace"


def checkpoint_path(checkpoint: str, sha256: str | None = None) -> Path:
    """The file of a checkpoint, downloaded with mace's own function if it is named and not there; nothing is loaded.

    Args:
        checkpoint: One of the names of `FOUNDATIONS`, or the path of a file.
        sha256: What the file must have.

    Raises:
        UnknownNameError: It is neither a name nor a file.
        ConfigError: The name stands for a model that this plugin does not support, or `sha256` is no SHA-256.
        DataError: The file could not be downloaded, or is not the one that `sha256` means. The message says which file
            to put where.
    """
    if sha256 is not None and (len(sha256) != 64 or set(sha256.lower()) - set("0123456789abcdef")):
        raise ConfigError(f"sha256 is {sha256!r}, expected 64 hexadecimal digits")
    if checkpoint in UNSUPPORTED:
        raise ConfigError(f"checkpoint {checkpoint!r} is not supported: {UNSUPPORTED[checkpoint]}")
    if checkpoint in FOUNDATIONS:
        path = cache_folder() / FOUNDATIONS[checkpoint].file
        if not path.is_file():
            _fetch(checkpoint, path, sha256)
            return path
    else:
        path = Path(checkpoint).expanduser().resolve()
        if not path.is_file():
            names = ", ".join(FOUNDATIONS)
            hint = did_you_mean(checkpoint, FOUNDATIONS) or "."
            raise UnknownNameError(
                f"checkpoint {checkpoint!r} is neither a file nor a name that mace knows{hint} Names: {names}"
            )
    if sha256 is not None and (found := sha256_of(path)) != sha256.lower():
        raise DataError(
            f"{path}: SHA-256 is {found}, expected {sha256.lower()} for checkpoint {checkpoint!r}; put the right file "
            "there, give the path of another copy as checkpoint, or leave sha256 out"
        )
    return path


def _fetch(checkpoint: str, path: Path, sha256: str | None) -> None:
    foundation = FOUNDATIONS[checkpoint]
    if not foundation.commercial:
        logger.warning(
            "checkpoint %r: %s. By downloading it you accept these terms.",
            checkpoint,
            load_card(CARD, ModelCard).checkpoints[checkpoint].licence_weights,
        )
    logger.info("downloading %s to %s", foundation.url, path)
    try:
        found = fetch(foundation.url, path, sha256)
    except DataError as error:
        raise DataError(
            f"checkpoint {checkpoint!r} could not be downloaded: {error}; try again, or fetch {foundation.url} on "
            f"another machine and put it at {path} (XDG_CACHE_HOME moves the cache), or give its path as checkpoint"
        ) from error
    if sha256 is None:
        logger.info("mace states no checksum; the SHA-256 of %s is %s: model.sha256 holds it to that", path.name, found)
