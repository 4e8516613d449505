"""Building an Orb model from options, each checked before anything heavy is imported."""

from __future__ import annotations

import warnings
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from lamcore.errors import ConfigError, UnknownNameError
from lamcore.model_tools import process_left_as_found, torch_device
from lamcore_orb.checkpoints import checkpoint_path, resolve

if TYPE_CHECKING:
    from lamcore_orb.model import OrbModel

Precision = Literal["float32", "float64"]


def build_orb(
    checkpoint: str = "orb-v3-conservative-inf-omat",
    architecture: str | None = None,
    sha256: str | None = None,
    device: str = "auto",
    dtype: Precision = "float32",
    tf32: bool = False,
    compile: bool = False,
) -> OrbModel:
    """Load a checkpoint.

    Args:
        checkpoint: A name of orb-models (orb-v3-conservative-inf-omat, orb-v3-direct-20-mpa, orb-d3-v2, …), which is
            downloaded once, or the path of a file.
        architecture: For a path, the name whose architecture the file has, such as the one that it was fine-tuned from.
        sha256: The SHA-256 that the file must have, as hexadecimal digits; null for any.
        device: auto (CUDA where there is one), cpu, cuda, cuda:1, …
        dtype: float32, as trained, or float64, which rounds less and is slower.
        tf32: Multiply matrices in TF32 on CUDA: faster, and less exact than float32. Off is what orb-models calls
            float32-highest, on is its float32-high.
        compile: Compile the network with torch.compile, which takes half a minute or more at the start.

    Raises:
        UnknownNameError: No such checkpoint, architecture, device or dtype.
        ConfigError: The checkpoint, device, tf32 or compile cannot be used as asked.
    """
    if dtype not in get_args(Precision):
        raise UnknownNameError(f"dtype is {dtype!r}, expected one of {', '.join(get_args(Precision))}")
    named = resolve(checkpoint, architecture)
    path = checkpoint_path(checkpoint, sha256)

    with process_left_as_found():
        # orb-models compiles with TorchScript, which recent versions of torch deprecate.
        warnings.filterwarnings("ignore", message="`torch.jit", category=DeprecationWarning)
        from lamcore_orb.model import OrbModel
        from lamcore_orb.network import load_network

        chosen_device = torch_device(import_module("torch"), device)
        if tf32 and (dtype != "float32" or not chosen_device.startswith("cuda")):
            raise ConfigError(f"tf32=true needs float32 on a CUDA device, got dtype={dtype} on {chosen_device}")
        network = load_network(path, named, checkpoint)
        model = OrbModel(network, named, device=chosen_device, dtype=dtype, tf32=tf32)
        if compile:
            model.compile()
    return model


def orb_weights(
    checkpoint: str = "orb-v3-conservative-inf-omat",
    architecture: str | None = None,
    sha256: str | None = None,
    device: str = "auto",
    dtype: Precision = "float32",
    tf32: bool = False,
    compile: bool = False,
) -> list[Path]:
    """The file with the weights, for the options of `build_orb`; downloaded if need be."""
    resolve(checkpoint, architecture)
    return [checkpoint_path(checkpoint, sha256)]
