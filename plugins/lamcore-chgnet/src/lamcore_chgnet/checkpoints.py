"""Where the checkpoints of CHGNet are: found by the package's own names, without importing the package."""

from __future__ import annotations

from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path

from lamcore.errors import PluginError, UnknownNameError

CARRIED = {
    "0.3.0": "0.3.0/chgnet_0.3.0_e29f68s314m37.pth.tar",
    "0.2.0": "0.2.0/chgnet_0.2.0_e30f77s348m32.pth.tar",
    "r2scan": "r2scan/chgnet_r2scan_transfer_learning_e15f36s161m23.pth.tar",
}
"""Checkpoints inside the chgnet package."""


def checkpoint_path(checkpoint: str) -> Path:
    """The file of a checkpoint; nothing is loaded.

    Args:
        checkpoint: One of chgnet's names, in any case, or the path of a file.

    Raises:
        UnknownNameError: It is neither a name nor a file.
        PluginError: chgnet is not installed, or its file is missing.
    """
    relative = CARRIED.get(checkpoint.lower())
    if relative is not None:
        path = _package_folder() / "pretrained" / relative
        if not path.is_file():
            raise PluginError(f"{path} is missing from the chgnet package; reinstall it: pip install -U chgnet")
        return path
    path = Path(checkpoint).expanduser()
    if path.is_file():
        return path.resolve()
    close = get_close_matches(checkpoint.lower(), CARRIED, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else "."
    raise UnknownNameError(
        f"checkpoint {checkpoint!r} is neither a file nor a name that chgnet knows{hint} Names: {', '.join(CARRIED)}"
    )


def _package_folder() -> Path:
    # Importing chgnet.model imports torch, which takes seconds; finding the package does not.
    spec = find_spec("chgnet")
    if spec is None or not spec.submodule_search_locations:
        raise PluginError("the package chgnet is not installed: pip install 'chgnet>=0.4.2'")
    return Path(spec.submodule_search_locations[0]).resolve()
