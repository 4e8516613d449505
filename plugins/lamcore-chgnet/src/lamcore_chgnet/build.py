"""Building a CHGNet model from options, each checked before anything heavy is imported."""

from __future__ import annotations

import logging
from contextlib import redirect_stdout
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from lamcore.errors import ConfigError, UnknownNameError
from lamcore.model_tools import process_left_as_found, torch_device
from lamcore_chgnet.checkpoints import checkpoint_path

if TYPE_CHECKING:
    from lamcore_chgnet.model import ChgnetModel

logger = logging.getLogger(__name__)

Precision = Literal["float32", "float64"]


def build_chgnet(
    checkpoint: str = "0.3.0",
    device: str = "auto",
    dtype: Precision = "float32",
) -> ChgnetModel:
    """Load a checkpoint.

    Args:
        checkpoint: 0.3.0, 0.2.0 or r2scan, which come with the package, or the path of a file that chgnet saved.
        device: auto (CUDA where there is one), cpu, cuda, cuda:1, …
        dtype: float32, as trained, or float64, which rounds less and is slower.

    Raises:
        UnknownNameError: No such checkpoint, device or dtype.
        ConfigError: The checkpoint or the device cannot be used.
    """
    path = checkpoint_path(checkpoint)
    if dtype not in get_args(Precision):
        raise UnknownNameError(f"dtype is {dtype!r}, expected one of {', '.join(get_args(Precision))}")

    with process_left_as_found():
        from lamcore_chgnet.model import ChgnetModel

        chosen_device = torch_device(import_module("torch"), device)
        network = _load(path, checkpoint)
    return ChgnetModel(network, device=chosen_device, dtype=dtype)


def chgnet_weights(
    checkpoint: str = "0.3.0",
    device: str = "auto",
    dtype: Precision = "float32",
) -> list[Path]:
    """The file with the weights, for the options of `build_chgnet`; only `checkpoint` decides."""
    return [checkpoint_path(checkpoint)]


def _load(path: Path, checkpoint: str) -> Any:
    from pickle import UnpicklingError

    import torch
    from chgnet.model.model import CHGNet

    said = StringIO()  # CHGNet prints its size when made; only the command line prints
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)["model"]
        # Checkpoints do not record whether the outputs of convolutions have a bias (0.2.0 has); their weights show it.
        biased = any(".mlp_out." in name and name.endswith(".bias") for name in saved["state_dict"])
        with redirect_stdout(said):
            network = CHGNet.from_dict(saved, mlp_out_bias=biased)
    except (RuntimeError, UnpicklingError, EOFError, KeyError, TypeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ConfigError(
            f"checkpoint {checkpoint!r}: {path} is not a checkpoint that this chgnet loads: "
            f"{type(error).__name__}: {reason}"
        ) from error
    if not network.mlp_first:
        raise ConfigError(
            f"checkpoint {checkpoint!r}: {path} has no energies of atoms (mlp_first is false), which is not supported"
        )
    logger.info("chgnet: %s", said.getvalue().strip())
    return network
