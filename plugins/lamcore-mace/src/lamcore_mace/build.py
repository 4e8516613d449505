"""Building a MACE model from options, each checked before anything heavy is imported."""

from __future__ import annotations

import logging
import warnings
from contextlib import redirect_stdout
from importlib import import_module
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from lamcore.errors import ConfigError, UnknownNameError
from lamcore.model_tools import process_left_as_found, torch_device
from lamcore.schema import did_you_mean
from lamcore_mace.checkpoints import FOUNDATIONS, checkpoint_path

if TYPE_CHECKING:
    from lamcore_mace.dispersion import Dispersion
    from lamcore_mace.model import MaceModel

logger = logging.getLogger(__name__)

Precision = Literal["float32", "float64"]
Damping = Literal["bj", "zero", "bjm", "zerom"]
Accelerator = Literal["none", "cueq", "oeq"]

_ACCELERATORS = {
    "cueq": (
        ("cuequivariance", "cuequivariance_torch", "cuequivariance_ops_torch"),
        "convert_e3nn_cueq",
        "pip install cuequivariance-torch cuequivariance-ops-torch-cu12",
    ),
    "oeq": (("openequivariance",), "convert_e3nn_oeq", "pip install openequivariance"),
}
"""The packages that do the work, the converter in `mace.cli`, and how to install the packages."""


def build_mace(
    checkpoint: str = "medium-mpa-0",
    head: str | None = None,
    device: str = "auto",
    dtype: Precision = "float64",
    dispersion: bool = False,
    dispersion_functional: str = "pbe",
    dispersion_damping: Damping = "bj",
    accelerator: Accelerator = "none",
    sha256: str | None = None,
) -> MaceModel:
    """Load a checkpoint, downloading it first if it is one of mace's own and not in mace's cache.

    Args:
        checkpoint: A name that mace knows (small, medium, medium-mpa-0, medium-omat-0, mace-off23-medium, mace-omol-0,
            …; `lamcore show model mace` lists them with their licences) or the path of a `.model` file. A checkpoint is
            a pickle: load only files that you trust.
        head: Which head of a multi-head checkpoint predicts; needed where none is called default.
        device: auto (CUDA where there is one), cpu, cuda, cuda:1, …
        dtype: float64, which derivatives of energies need, or float32, faster.
        dispersion: Add D3 dispersion with torch-dftd.
        dispersion_functional: The functional whose D3 parameters are taken.
        dispersion_damping: bj, zero, bjm or zerom.
        accelerator: none, cueq or oeq: tensor products by an extra package.
        sha256: What the checkpoint's file must have; mace states none.

    Raises:
        UnknownNameError: No such checkpoint, head, functional, or value of another option.
        ConfigError: The checkpoint, device, dispersion or accelerator cannot be used as asked.
        DataError: The checkpoint could not be downloaded, or is not the one that `sha256` means.
    """
    _one_of("dtype", dtype, get_args(Precision))
    _one_of("dispersion_damping", dispersion_damping, get_args(Damping))
    _one_of("accelerator", accelerator, get_args(Accelerator))
    if dispersion and find_spec("torch_dftd") is None:
        raise ConfigError("dispersion=true needs torch-dftd: pip install 'lamcore-mace[dispersion]'")
    path = checkpoint_path(checkpoint, sha256)

    said = StringIO()  # mace prints on import and on conversion; only the command line prints
    with process_left_as_found(), redirect_stdout(said):
        # mace tells of the variable that it sets; e3nn compiles with TorchScript, which recent versions of torch
        # deprecate.
        warnings.filterwarnings("ignore", message=".*TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", category=UserWarning)
        warnings.filterwarnings("ignore", message="`torch.jit", category=DeprecationWarning)
        from lamcore_mace.model import MaceModel, heads_of

        chosen_device = torch_device(import_module("torch"), device)
        network = _load(path, checkpoint)
        heads = heads_of(network)
        chosen_head = _head(checkpoint, head, heads)
        if accelerator != "none":
            network = _accelerated(network, accelerator, chosen_device, dtype)
        added = _dispersion(dispersion_functional, dispersion_damping, chosen_device, dtype) if dispersion else None
        model = MaceModel(network, chosen_head, chosen_device, dtype, added)
    if said.getvalue():
        logger.debug("mace: %s", said.getvalue().strip())
    return model


def mace_weights(
    checkpoint: str = "medium-mpa-0",
    head: str | None = None,
    device: str = "auto",
    dtype: Precision = "float64",
    dispersion: bool = False,
    dispersion_functional: str = "pbe",
    dispersion_damping: Damping = "bj",
    accelerator: Accelerator = "none",
    sha256: str | None = None,
) -> list[Path]:
    """The file with the weights, for the options of `build_mace`; downloaded if need be, not loaded."""
    return [checkpoint_path(checkpoint, sha256)]


def _one_of(option: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise UnknownNameError(f"{option} is {value!r}, expected one of {', '.join(allowed)}")


def _load(path: Path, checkpoint: str) -> Any:
    import torch
    from mace.modules.extensions import PolarMACE
    from mace.modules.models import MACE

    from lamcore_mace.model import INFO_KEYS

    # Whatever a file that is no checkpoint makes unpickling raise, it means that the file is no checkpoint.
    try:
        network = torch.load(path, map_location="cpu", weights_only=False)
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise ConfigError(
            f"checkpoint {checkpoint!r}: {path} is not a model that this mace loads: {type(error).__name__}: {reason}; "
            "if it is damaged, delete it"
        ) from error
    if not isinstance(network, MACE) or isinstance(network, PolarMACE):
        raise ConfigError(
            f"checkpoint {checkpoint!r}: {path} holds a {type(network).__name__}, expected a MACE or ScaleShiftMACE: "
            "the .model file that mace_run_train writes, neither its compiled form nor a training checkpoint"
        )
    unknown_inputs = set(getattr(network, "embedding_specs", None) or ()) - INFO_KEYS.keys()
    if unknown_inputs:
        raise ConfigError(
            f"checkpoint {checkpoint!r} takes {', '.join(sorted(unknown_inputs))} beside the structure; "
            f"this plugin gives {', '.join(INFO_KEYS)} only"
        )
    return network


def _head(checkpoint: str, head: str | None, available: list[str]) -> str:
    choices = ", ".join(available)
    if head is None and checkpoint in FOUNDATIONS:
        head = FOUNDATIONS[checkpoint].head
    if head is not None:
        if head not in available:
            hint = did_you_mean(head, available)
            raise UnknownNameError(f"head is {head!r}; checkpoint {checkpoint!r} has {choices}{hint}")
        return head
    if len(available) == 1:
        return available[0]
    for name in available:
        if name.lower() == "default":
            return name
    raise ConfigError(f"checkpoint {checkpoint!r} has heads {choices} and none called default; set head")


def _accelerated(network: Any, accelerator: str, device: str, dtype: str) -> Any:
    packages, converter, install = _ACCELERATORS[accelerator]
    # mace's own calculator asks for its converters only, which are always there, and cuequivariance without its
    # kernels computes as slowly as before: a run must not say one thing and do another.
    if missing := [package for package in packages if find_spec(package) is None]:
        raise ConfigError(f"accelerator={accelerator} needs {', '.join(missing)}: {install}, or use accelerator=none")
    if not device.startswith("cuda"):
        raise ConfigError(f"accelerator={accelerator} needs a CUDA device, got device={device}; use accelerator=none")
    torch = import_module("torch")
    network = network.to(device=device, dtype=getattr(torch, dtype))
    return import_module(f"mace.cli.{converter}").run(network, device=device)


def _dispersion(functional: str, damping: str, device: str, dtype: str) -> Dispersion:
    from torch_dftd.dftd3_xc_params import get_dftd3_default_params

    from lamcore_mace.dispersion import Dispersion

    try:
        get_dftd3_default_params(damping, functional)
    except (KeyError, ValueError) as error:
        raise UnknownNameError(
            f"dispersion_functional is {functional!r}; torch-dftd has no D3({damping}) parameters for it"
        ) from error
    return Dispersion(functional, damping, device, dtype)
