"""Where the checkpoints of SevenNet are: found by the package's own names, without importing the package."""

from __future__ import annotations

from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path

from lamcore.errors import ConfigError, PluginError, UnknownNameError

CARRIED = {
    "7net-0": "SevenNet_0__11Jul2024/checkpoint_sevennet_0.pth",
    "7net-0_22may2024": "SevenNet_0__22May2024/checkpoint_sevennet_0.pth",
    "7net-l3i5": "SevenNet_l3i5/checkpoint_l3i5.pth",
    "7net-mf-0": "SevenNet_MF_0/checkpoint_sevennet_mf_0.pth",
}
"""Checkpoints inside the sevenn package, by canonical name."""

DOWNLOADED = {
    "7net-mf-ompa": "SevenNet_MF_ompa/checkpoint_sevennet_mf_ompa.pth",
    "7net-omat": "SevenNet_omat/checkpoint_sevennet_omat.pth",
    "7net-omni": "SevenNet_omni/checkpoint_sevennet_omni.pth",
    "7net-omni-i8": "SevenNet_omni_i8/checkpoint_sevennet_omni_i8.pth",
    "7net-omni-i12": "SevenNet_omni_i12/checkpoint_sevennet_omni_i12.pth",
}
"""Checkpoints that sevenn itself downloads, without a checksum, into its own folder or the user's cache."""

_SAME = {"7net-0_11jul2024": "7net-0", "7net-0_11july2024": "7net-0"}


def canonical_name(checkpoint: str) -> str | None:
    """The canonical name of a checkpoint (`SevenNet-0` is `7net-0`), or None where sevenn knows no such name."""
    name = checkpoint.lower()
    if name.startswith("sevennet-"):
        name = "7net-" + name.removeprefix("sevennet-")
    name = _SAME.get(name, name)
    return name if name in CARRIED or name in DOWNLOADED else None


def checkpoint_path(checkpoint: str) -> Path:
    """The file of a checkpoint; nothing is loaded and nothing is downloaded.

    Args:
        checkpoint: One of sevenn's names, in any case, or the path of a file.

    Raises:
        UnknownNameError: It is neither a name nor a file.
        ConfigError: sevenn would have to download it.
        PluginError: sevenn is not installed, or its file is missing.
    """
    name = canonical_name(checkpoint)
    if name is not None:
        return _named(name)
    path = Path(checkpoint).expanduser()
    if path.is_file():
        return path.resolve()
    known = [*CARRIED, *DOWNLOADED]
    close = get_close_matches(checkpoint.lower(), known, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else "."
    raise UnknownNameError(
        f"checkpoint {checkpoint!r} is neither a file nor a name that sevenn knows{hint} Names: {', '.join(known)}"
    )


def _named(name: str) -> Path:
    relative = CARRIED.get(name) or DOWNLOADED[name]
    folders = (_package_folder() / "pretrained_potentials", Path("~/.cache/sevennet").expanduser())
    for folder in folders:
        if (folder / relative).is_file():
            return folder / relative
    if name in CARRIED:
        raise PluginError(
            f"{folders[0] / relative} is missing from the sevenn package; reinstall it: pip install -U sevenn"
        )
    fetch = f"from sevenn.util import pretrained_name_to_path as get; get('{name}')"
    raise ConfigError(
        f"checkpoint {name!r} does not come with the sevenn package, and lamcore downloads nothing without a checksum. "
        f'Either let sevenn fetch it once: python -c "{fetch}", '
        f"or put the file at {folders[1] / relative}, or give its path as checkpoint"
    )


def _package_folder() -> Path:
    # Importing sevenn imports torch, which takes seconds; finding it does not.
    spec = find_spec("sevenn")
    if spec is None or not spec.submodule_search_locations:
        raise PluginError("the package sevenn is not installed: pip install 'sevenn>=0.13'")
    return Path(spec.submodule_search_locations[0]).resolve()
