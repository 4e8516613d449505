"""Building a DeePMD-kit model from options, each checked before anything heavy is imported."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from lamcore.errors import ConfigError, UnknownNameError
from lamcore_deepmd.checkpoints import DEFAULT, checkpoint_path

if TYPE_CHECKING:
    from deepmd.infer import DeepPot

    from lamcore_deepmd.model import ChargeState, DeepmdModel

Precision = Literal["as-trained", "float32", "float64"]


def build_deepmd(
    checkpoint: str = DEFAULT,
    head: str | None = None,
    device: str = "auto",
    dtype: Precision = "as-trained",
    fparam: list[float] | None = None,
    charge: int | None = None,
    spin: int | None = None,
    jit: bool = False,
) -> DeepmdModel:
    """Load a checkpoint or a frozen model.

    Args:
        checkpoint: A name that deepmd-kit knows (DPA4-Neo-OMat24-v20260805, DPA-3.2-5M, …), downloaded on first use, or
            the path of a .pt or .pth file. A .pth file is a program: load only files that you trust.
        head: For a multi-task checkpoint, the task whose energies to predict, by its name or alias (Omat24, …).
        device: auto (CUDA where there is one), cpu, cuda, cuda:1, … DeePMD-kit chooses once in a process.
        dtype: as-trained, or float32 or float64 for the networks of a .pt checkpoint; positions are always float64.
        fparam: Frame parameters of every structure, where the model takes them.
        charge: Total charge, in e, of structures that do not say in info["charge"], where the model takes it.
        spin: Spin multiplicity of structures that do not say in info["spin"], where the model takes it.
        jit: Compile a .pt checkpoint with TorchScript: seconds of warming up, then faster for some architectures.

    Raises:
        UnknownNameError: No such checkpoint, head, device or dtype.
        ConfigError: The checkpoint or the device cannot be used as asked, or an option does not suit the model.
    """
    if dtype not in get_args(Precision):
        raise UnknownNameError(f"dtype is {dtype!r}, expected one of {', '.join(get_args(Precision))}")
    path = checkpoint_path(checkpoint)

    from lamcore_deepmd.loading import deepmd_on, load

    with deepmd_on(device) as chosen_device:
        from lamcore_deepmd.model import DeepmdModel, elements_of

        potential, precision = load(path, head=head, dtype=dtype, jit=jit)
        return DeepmdModel(
            potential,
            fparam=_frame_parameters(potential, fparam),
            charge_state=_charge_state(potential, charge, spin),
            elements=elements_of(potential),
            device=chosen_device,
            dtype=precision,
        )


def deepmd_weights(
    checkpoint: str = DEFAULT,
    head: str | None = None,
    device: str = "auto",
    dtype: Precision = "as-trained",
    fparam: list[float] | None = None,
    charge: int | None = None,
    spin: int | None = None,
    jit: bool = False,
) -> list[Path]:
    """The file with the weights, for the options of `build_deepmd`; only `checkpoint` decides."""
    return [checkpoint_path(checkpoint)]


def _frame_parameters(potential: DeepPot, fparam: list[float] | None) -> list[float] | None:
    expected = potential.get_dim_fparam()
    if fparam is None:
        if expected and not potential.has_default_fparam():
            raise ConfigError(
                f"this model takes {expected} frame parameters and has no default; set fparam to that many numbers"
            )
        return None
    if len(fparam) != expected:
        raise ConfigError(f"fparam has {len(fparam)} numbers, this model takes {expected}")
    return fparam


def _charge_state(potential: DeepPot, charge: int | None, spin: int | None) -> ChargeState | None:
    from lamcore_deepmd.model import ChargeState

    if not potential.has_chg_spin_ebd():
        if charge is not None or spin is not None:
            raise ConfigError("this model takes neither charge nor spin; leave the options charge and spin out")
        return None
    default: list[int | None] = [None, None]
    if potential.has_default_chg_spin():
        default = [round(float(value)) for value in potential.deep_eval.get_model().get_default_chg_spin()]
    return ChargeState(
        charge=default[0] if charge is None else charge,
        multiplicity=default[1] if spin is None else spin,
    )
