"""Importing DeePMD-kit on the device asked for, and loading a model with it, without traces in the process."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from pickle import UnpicklingError
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from lamcore.errors import ConfigError, UnknownNameError
from lamcore.model_tools import process_left_as_found, torch_device

if TYPE_CHECKING:
    from deepmd.infer import DeepPot

_TALKATIVE = ("deepmd.env", "torch._library.triton")
"""Loggers that give advice on threads and on Triton when DeePMD-kit is imported."""

_UNREADABLE = (RuntimeError, UnpicklingError, EOFError, AttributeError, KeyError, TypeError, ValueError)
"""What torch and DeePMD-kit raise for a file that is no model of theirs."""


@contextmanager
def deepmd_on(device: str) -> Iterator[str]:
    """Import DeePMD-kit so that it computes on a device, and put back what that and loading change in the process.

    DeePMD-kit takes the device from the environment, once, when it is imported.

    Args:
        device: As `lamcore.model_tools.torch_device` takes it.

    Yields:
        The device, such as `cpu` or `cuda:0`.

    Raises:
        UnknownNameError: Torch does not know such a device.
        ConfigError: There is no such device, or DeePMD-kit already computes on another one in this process.
    """
    with process_left_as_found(), ExitStack() as stack:
        # DeePMD-kit compiles with TorchScript on import, which recent versions of torch deprecate.
        warnings.filterwarnings("ignore", message="`torch.jit", category=DeprecationWarning)
        for name in _TALKATIVE:
            stack.enter_context(_hushed(name))
        chosen = torch_device(import_module("torch"), device)
        index = chosen.partition(":")[2] or "0"
        if "deepmd.pt.utils.env" not in sys.modules:
            os.environ.pop("DEVICE", None)
            os.environ["LOCAL_RANK"] = index
            if chosen == "cpu":
                os.environ["DEVICE"] = "cpu"
        actual = str(import_module("deepmd.pt.utils.env").DEVICE)
        if actual != (chosen if chosen == "cpu" else f"cuda:{index}"):
            raise ConfigError(
                f"device is {device!r}, but DeePMD-kit has been imported in this process and computes on {actual}, "
                f"which it cannot change; use device={actual}, or a process of its own"
            )
        yield actual


@contextmanager
def _hushed(name: str) -> Iterator[None]:
    talkative = logging.getLogger(name)
    level = talkative.level
    talkative.setLevel(logging.ERROR)
    try:
        yield
    finally:
        talkative.setLevel(level)


def load(path: Path, head: str | None, dtype: str, jit: bool) -> tuple[DeepPot, str]:
    """A model that gives energies, and the precision of its networks; to be called inside `deepmd_on`.

    Args:
        path: A `.pt` or `.pth` file.
        head: One of the tasks of a multi-task checkpoint, by name or alias in any case, or None.
        dtype: `as-trained`, `float32` or `float64`.
        jit: Compile with TorchScript.

    Raises:
        UnknownNameError: The checkpoint has no such head.
        ConfigError: The file is not such a model, or an option does not suit it.
    """
    from deepmd.infer import DeepPot

    with TemporaryDirectory(prefix="lamcore-deepmd-") as folder:
        if path.suffix == ".pth":
            _refuse_options_of_checkpoints(head, dtype, jit)
        else:
            saved = _read(path)
            head = _head(_parameters(saved), head, path)
            if dtype != "as-trained":
                path = _converted(saved, dtype, Path(folder) / path.name)
        try:
            # The core chooses the size of batches; DeePMD-kit's own search would hide that memory ran out.
            potential = DeepPot(str(path), auto_batch_size=False, head=head, no_jit=not jit)
        except _UNREADABLE as error:
            raise _unreadable(path, error) from error
    _refuse_other_kinds(potential, path)
    precision = _precision(potential)
    if dtype not in ("as-trained", precision):
        raise ConfigError(f"dtype is {dtype!r}, but this model computes in {precision}; use dtype=as-trained")
    return potential, precision


def _refuse_options_of_checkpoints(head: str | None, dtype: str, jit: bool) -> None:
    if head is not None or dtype != "as-trained" or jit:
        raise ConfigError("a frozen model (.pth) is used as it was frozen; leave head, dtype and jit out")


def _read(path: Path) -> dict[str, Any]:
    import torch

    try:
        saved: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        _parameters(saved)
    except _UNREADABLE as error:
        raise _unreadable(path, error) from error
    return saved


def _parameters(saved: dict[str, Any]) -> dict[str, Any]:
    # During training DeePMD-kit saves the optimizer beside the model.
    parameters: dict[str, Any] = saved.get("model", saved)["_extra_state"]["model_params"]
    return parameters


def _head(parameters: dict[str, Any], head: str | None, path: Path) -> str | None:
    if "model_dict" not in parameters:
        if head is not None:
            raise ConfigError(f"{path} has one head, got head={head!r}; leave it out")
        return None
    from deepmd.utils.model_branch_dict import get_model_dict

    aliases: dict[str, str] = get_model_dict(parameters["model_dict"])[0]
    listed = ", ".join(parameters["model_dict"])
    if head is None:
        if "Default" in aliases:
            return aliases["Default"]
        raise ConfigError(f"{path} predicts energies of several tasks; set head to one of {listed}")
    lowered = {alias.lower(): name for alias, name in aliases.items()}
    if head.lower() in lowered:
        return lowered[head.lower()]
    close = get_close_matches(head.lower(), lowered, n=1)
    hint = f"; did you mean {lowered[close[0]]!r}?" if close else "."
    raise UnknownNameError(f"head is {head!r}{hint} {path} has {listed}")


def _converted(saved: dict[str, Any], dtype: str, path: Path) -> Path:
    """A copy of a checkpoint whose networks have another precision; DeePMD-kit casts the weights when it loads it."""
    import torch

    _set_precision(_parameters(saved), dtype)
    torch.save(saved.get("model", saved), path)
    return path


def _set_precision(parameters: Any, dtype: str) -> None:
    if isinstance(parameters, dict):
        for part, kind in (("descriptor", dict), ("fitting_net", dict), ("type_embedding", dict)):
            if isinstance(parameters.get(part), kind):
                parameters[part]["precision"] = dtype
        for value in parameters.values():
            _set_precision(value, dtype)
    elif isinstance(parameters, list):
        for value in parameters:
            _set_precision(value, dtype)


def _refuse_other_kinds(potential: DeepPot, path: Path) -> None:
    if potential.deep_eval.model_type is not type(potential):
        raise ConfigError(
            f"{path} predicts {potential.deep_eval.model_type.__name__.removeprefix('Deep')}, expected energies"
        )
    if potential.deep_eval.get_has_spin():
        raise ConfigError(f"{path} takes the magnetic moment of each atom, which is not supported")
    if potential.get_dim_aparam():
        raise ConfigError(f"{path} takes parameters of each atom (aparam), which is not supported")


def _precision(potential: DeepPot) -> str:
    """The lowest precision of the networks' weights."""
    used = {p.dtype for p in potential.deep_eval.get_model().parameters() if p.is_floating_point()}
    lowest = min(used, key=lambda kind: kind.itemsize)
    return str(lowest).removeprefix("torch.")


def _unreadable(path: Path, error: Exception) -> ConfigError:
    reason = " ".join(str(error).split())[:300]
    return ConfigError(f"{path} is not a model that this deepmd-kit loads: {type(error).__name__}: {reason}")
