"""What a computation runs on: all that its time depends on beside the work itself."""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lamcore.cores import usable_cores

_NVIDIA = Path("/proc/driver/nvidia")


@dataclass(frozen=True)
class Hardware:
    """The hardware of the process that holds a model, and how that process uses it.

    Attributes:
        processor: Its name.
        cores: That the process may use.
        threads: That its numerical libraries use.
        device: Where the model computes, such as `cpu` or `cuda:0`.
        gpu: The name of that device, where it is one.
        gpu_driver: The version of its driver, where the system tells it.
        torch: The version of torch, CUDA included, where torch is loaded.
        in_worker: Whether predictions come through a pipe from another process, which takes time of its own.
    """

    processor: str
    cores: int
    threads: int
    device: str = "cpu"
    gpu: str | None = None
    gpu_driver: str | None = None
    torch: str | None = None
    in_worker: bool = False

    @property
    def key(self) -> str:
        """The same text for all results that may be compared with one another."""
        parts = [self.gpu] if self.gpu is not None else []
        parts += [self.processor, _counted(self.cores, "core"), _counted(self.threads, "thread")]
        if self.gpu is None and self.device != "cpu":
            parts.append(self.device)
        return ", ".join(parts) + (", in a worker process" if self.in_worker else "")


def hardware(device: str) -> Hardware:
    """The hardware of this process with a model on a device."""
    torch = sys.modules.get("torch")
    on_cuda = device.startswith("cuda")
    return Hardware(
        processor=processor_name(),
        cores=usable_cores(),
        threads=n_threads(),
        device=device,
        gpu=str(torch.cuda.get_device_name(device)) if on_cuda and torch is not None else None,
        gpu_driver=_driver() if on_cuda else None,
        torch=None if torch is None else str(torch.__version__),
    )


def machine() -> dict[str, Any]:
    """The machine, as far as it can be told before any model is loaded, as JSON; the same on a machine of its kind."""
    return {
        "processor": processor_name(),
        "cores": usable_cores(),
        "threads": os.environ.get("OMP_NUM_THREADS"),
        "gpus": sorted(filter(None, map(_gpu_name, _NVIDIA.glob("gpus/*/information")))),
        "visible_gpus": os.environ.get("CUDA_VISIBLE_DEVICES"),
    }


def processor_name() -> str:
    """The processor's name, where the system tells it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass  # not Linux: the name that Python knows is the next best
    return platform.processor() or platform.machine()


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def n_threads() -> int:
    """Threads that a computation of this process may use, as the loaded libraries see it."""
    if "torch" in sys.modules:
        return int(sys.modules["torch"].get_num_threads())
    return int(os.environ.get("OMP_NUM_THREADS", "0")) or usable_cores()


def _driver() -> str | None:
    """The version in the first line of the driver's own description: the word after `Kernel Module`."""
    try:
        words = (_NVIDIA / "version").read_text(encoding="utf-8").splitlines()[0].split()
    except (OSError, IndexError):
        return None  # other systems keep it elsewhere
    return next((word for word in words if word[0].isdigit() and "." in word), None)


def _gpu_name(information: Path) -> str | None:
    lines = information.read_text(encoding="utf-8").splitlines()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("Model:")), None)
