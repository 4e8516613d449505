"""Where a checkpoint is: a file, or a name that DeePMD-kit downloads and checks. Nothing heavy is imported."""

from __future__ import annotations

import logging
from difflib import get_close_matches
from http.client import HTTPException
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lamcore.errors import ConfigError, PluginError, UnknownNameError

DEFAULT = "DPA4-Neo-OMat24-v20260805"
"""One head, trained on inorganic crystals; its authors recommend this size for general use."""

SUFFIXES = (".pt", ".pth")
"""Checkpoints and frozen models of the PyTorch backend."""

logger = logging.getLogger(__name__)


def checkpoint_path(checkpoint: str) -> Path:
    """The file of a checkpoint; a name that is not in DeePMD-kit's cache is downloaded by DeePMD-kit, with its SHA-256.

    Args:
        checkpoint: One of DeePMD-kit's names, in any case, or the path of a file.

    Raises:
        UnknownNameError: It is neither a name nor a file.
        ConfigError: The file is not of the PyTorch backend, or the download failed; the message says which file to put
            where.
        PluginError: deepmd-kit is not installed.
    """
    path = Path(checkpoint).expanduser()
    if path.is_file():
        if path.suffix not in SUFFIXES:
            raise ConfigError(
                f"checkpoint {checkpoint!r}: expected a file of the PyTorch backend, ending in "
                f"{' or '.join(SUFFIXES)}; `dp convert-backend` turns other models into one"
            )
        return path.resolve()
    registry = _registry()
    for name in registry:
        if name.lower() == checkpoint.lower():
            return _download(name, registry[name])
    lowered = {name.lower(): name for name in registry}
    close = get_close_matches(checkpoint.lower(), lowered, n=1)
    hint = f"; did you mean {lowered[close[0]]!r}?" if close else "."
    raise UnknownNameError(
        f"checkpoint {checkpoint!r} is neither a file nor a name that deepmd-kit knows{hint} "
        f"Names: {', '.join(sorted(registry))}"
    )


def _registry() -> dict[str, dict[str, Any]]:
    if find_spec("deepmd") is None:
        raise PluginError("the package deepmd-kit is not installed; lamcore-deepmd's README says how to get it")
    # Of deepmd, these two modules alone are free of NumPy and torch.
    known: dict[str, dict[str, Any]] = import_module("deepmd.pretrained.registry").MODEL_REGISTRY
    return known


def _download(name: str, entry: dict[str, Any]) -> Path:
    package = import_module("deepmd.pretrained.download")
    target: Path = package.DEFAULT_CACHE_DIR / str(entry["filename"])
    # DeePMD-kit tries its sources in turn and says only to its logger why one failed.
    told = _Messages()
    package_logger = logging.Logger(f"{__name__}.download")
    package_logger.addHandler(told)
    try:
        path: Path = package.download_model(name, cache_dir=package.DEFAULT_CACHE_DIR, logger=package_logger)
    # A connection that ends early is an HTTPException, which DeePMD-kit does not expect.
    except (RuntimeError, OSError, HTTPException) as error:
        reasons = "; ".join([*told.warnings, str(error)])
        raise ConfigError(
            f"checkpoint {name!r} could not be downloaded: {reasons}. Try again, or fetch "
            f"{' or '.join(package._model_download_urls(entry))} on another machine and put it at {target} "
            f"(SHA-256 {entry['sha256']}), or give the path of your copy as checkpoint"
        ) from error
    return path


class _Messages(logging.Handler):
    """Passes messages on to this module's logger and keeps the warnings."""

    def __init__(self) -> None:
        super().__init__()
        self.warnings: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        if record.levelno >= logging.WARNING:
            self.warnings.append(message)
        logger.info("deepmd: %s", message)
