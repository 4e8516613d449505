"""Building a SevenNet model from options, each checked before anything heavy is imported."""

from __future__ import annotations

import logging
import warnings
from contextlib import redirect_stdout
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from lamcore.errors import ConfigError, UnknownNameError
from lamcore.model_tools import process_left_as_found, torch_device
from lamcore_sevenn.checkpoints import checkpoint_path

if TYPE_CHECKING:
    from lamcore_sevenn.model import SevenNetModel

logger = logging.getLogger(__name__)

Precision = Literal["float32", "float64"]
Accelerator = Literal["none", "cueq", "flash", "oeq"]
_AVAILABLE_IF = {
    "cueq": ("sevenn.nn.cue_helper", "is_cue_available", "cuEquivariance"),
    "flash": ("sevenn.nn.flash_helper", "is_flash_available", "FlashTP and a CUDA device"),
    "oeq": ("sevenn.nn.oeq_helper", "is_oeq_available", "OpenEquivariance and a CUDA device"),
}


def build_sevennet(
    checkpoint: str = "7net-0",
    modality: str | None = None,
    device: str = "auto",
    dtype: Precision = "float32",
    accelerator: Accelerator = "none",
) -> SevenNetModel:
    """Load a checkpoint.

    Args:
        checkpoint: A name that sevenn knows (7net-0, 7net-0_22may2024, 7net-l3i5, 7net-mf-0, …) or the path of a file.
            A checkpoint is a pickle: load only files that you trust.
        modality: For a multi-fidelity checkpoint, the level of theory to predict (7net-mf-0: PBE or R2SCAN).
        device: auto (CUDA where there is one), cpu, cuda, cuda:1, …
        dtype: float32, as trained, or float64, which rounds less and takes about 1.6 times as long on a CPU.
        accelerator: none, cueq, flash or oeq: tensor products by an extra package, in float32.

    Raises:
        UnknownNameError: No such checkpoint, modality, dtype or accelerator.
        ConfigError: The checkpoint, device or accelerator cannot be used as asked.
    """
    path = checkpoint_path(checkpoint)
    _one_of("dtype", dtype, get_args(Precision))
    _one_of("accelerator", accelerator, get_args(Accelerator))
    if accelerator != "none" and dtype != "float32":
        raise ConfigError(f"accelerator={accelerator} computes in float32, got dtype={dtype}; leave one of them out")

    with process_left_as_found():
        # e3nn and torch_geometric compile with TorchScript, which recent versions of torch deprecate.
        warnings.filterwarnings("ignore", message="`torch.jit", category=DeprecationWarning)
        from lamcore_sevenn.model import SevenNetModel

        chosen_device = torch_device(import_module("torch"), device)
        if accelerator != "none":
            _require(accelerator)
        network = _load(path, checkpoint, accelerator)
    chosen = _modality(checkpoint, modality, list(network.modal_map or ()))
    return SevenNetModel(network, modality=chosen, device=chosen_device, dtype=dtype)


def sevennet_weights(
    checkpoint: str = "7net-0",
    modality: str | None = None,
    device: str = "auto",
    dtype: Precision = "float32",
    accelerator: Accelerator = "none",
) -> list[Path]:
    """The file with the weights, for the options of `build_sevennet`; only `checkpoint` decides."""
    return [checkpoint_path(checkpoint)]


def _one_of(option: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise UnknownNameError(f"{option} is {value!r}, expected one of {', '.join(allowed)}")


def _require(accelerator: str) -> None:
    # sevenn falls back to e3nn with a warning; a run must not say one thing and do another.
    module, function, what = _AVAILABLE_IF[accelerator]
    if not getattr(import_module(module), function)():
        raise ConfigError(f"accelerator={accelerator} needs {what}, not found here; install it or use accelerator=none")


def _load(path: Path, checkpoint: str, accelerator: str) -> Any:
    from pickle import UnpicklingError

    from sevenn.checkpoint import SevenNetCheckpoint

    said = StringIO()  # sevenn prints when it converts a backend; only the command line prints
    try:
        with redirect_stdout(said):
            loaded = SevenNetCheckpoint(path)
            network = loaded.build_model(
                enable_cueq=accelerator == "cueq",
                enable_flash=accelerator == "flash",
                enable_oeq=accelerator == "oeq",
            )
    except (RuntimeError, UnpicklingError, EOFError, AttributeError, KeyError, TypeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ConfigError(
            f"checkpoint {checkpoint!r}: {path} is not a checkpoint that this sevenn loads: "
            f"{type(error).__name__}: {reason}"
        ) from error
    if said.getvalue():
        logger.info("sevenn: %s", said.getvalue().strip())
    return network


def _modality(checkpoint: str, modality: str | None, available: list[str]) -> str | None:
    if not available:
        if modality is not None:
            raise ConfigError(f"checkpoint {checkpoint!r} has no modalities, got modality={modality!r}; leave it out")
        return None
    choices = ", ".join(available)
    if modality is None:
        raise ConfigError(
            f"checkpoint {checkpoint!r} predicts several levels of theory; set modality to one of {choices}"
        )
    for name in available:
        if name.lower() == modality.lower():
            return name
    raise UnknownNameError(f"modality is {modality!r}; checkpoint {checkpoint!r} has {choices}")
