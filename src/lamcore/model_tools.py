"""What builders of models have in common: a process left as it was found, and a device. Light to import."""

from __future__ import annotations

import multiprocessing
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from lamcore.errors import ConfigError, UnknownNameError


@contextmanager
def process_left_as_found() -> Iterator[None]:
    """Put back what importing and loading a model changes in the process.

    That is environment variables, warning filters, multiprocessing's start method, and torch's default type, number of
    threads and precision of products in float32 (float32 and "highest" where torch was not loaded before).
    """
    environment = dict(os.environ)
    start_method = multiprocessing.get_start_method(allow_none=True)
    torch_before = sys.modules.get("torch")
    threads = torch_before.get_num_threads() if torch_before else None
    default_dtype = torch_before.get_default_dtype() if torch_before else None
    matmul_precision = torch_before.get_float32_matmul_precision() if torch_before else "highest"
    with warnings.catch_warnings():
        try:
            yield
        finally:
            for name in os.environ.keys() - environment.keys():
                del os.environ[name]
            os.environ.update(environment)
            if multiprocessing.get_start_method(allow_none=True) != start_method:
                multiprocessing.set_start_method(start_method, force=True)
            if torch := sys.modules.get("torch"):
                torch.set_default_dtype(default_dtype or torch.float32)
                torch.set_float32_matmul_precision(matmul_precision)
                if threads is not None and torch.get_num_threads() != threads:
                    torch.set_num_threads(threads)


def torch_device(torch: ModuleType, device: str) -> str:
    """The device that a user asked for, as torch understands it.

    Args:
        torch: The package, which the core does not import.
        device: `auto` (CUDA where there is one), `cpu`, `cuda`, `cuda:1`, …

    Raises:
        UnknownNameError: Torch does not know such a device.
        ConfigError: Torch finds no CUDA device.
    """
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        kind = torch.device(device).type
    except RuntimeError as error:
        raise UnknownNameError(f"device is {device!r}, expected auto, cpu, cuda or cuda:<index>") from error
    if kind not in ("cpu", "cuda"):
        raise UnknownNameError(f"device is {device!r}, expected auto, cpu, cuda or cuda:<index>")
    if kind == "cuda" and not torch.cuda.is_available():
        raise ConfigError(f"device is {device!r}, but torch {torch.__version__} finds no CUDA device; use device=cpu")
    return device
