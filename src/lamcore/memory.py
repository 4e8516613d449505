"""How much memory a computation takes, measured in the process that does it."""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_GROUPS, _GROUP_FOLDERS = Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")
_RESET_PEAK = "5"


@dataclass(frozen=True)
class PeakMemory:
    """What a computation took at most.

    Attributes:
        idle_bytes: In use before it began: the model, and for a process its program and libraries.
        peak_bytes: In use at most, `idle_bytes` included.
        kind: `device`: what torch has allocated on a CUDA device; `process`: the process's resident memory.
    """

    idle_bytes: int
    peak_bytes: int
    kind: Literal["device", "process"]


def peak_memory(compute: Callable[[], object], device: str) -> PeakMemory | None:
    """The memory that a computation takes on the device, or in this process where that is the CPU.

    Memory that the C library keeps for later is given back first, or it would hide what the computation takes.

    Returns:
        None, without computing, where the system does not tell: a GPU without torch, another system than Linux, or a
        kernel that does not reset the peak.
    """
    gc.collect()
    if device.startswith("cuda"):
        return _on_cuda(compute, device, sys.modules.get("torch"))
    return _in_process(compute) if device == "cpu" else None


def available_bytes() -> int | None:
    """Memory that this process could still get; None where the system does not tell.

    That is what the machine has left, or less where a container or a scheduler's job is given less.
    """
    left = _left_in_groups()
    with suppress(OSError, LookupError):  # other systems than Linux do not tell
        left.append(1024 * _value(Path("/proc/meminfo"), "MemAvailable:"))
    return min(left, default=None)


def _left_in_groups() -> list[int]:
    """What the limits of the process's control groups, of version 1 and 2, leave; file caches do not count as used."""
    left = []
    for folder in _group_folders():
        names = ("memory.max", "memory.current", "inactive_file ")
        if not (folder / names[0]).exists():
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file ")
        try:
            limit, used = (int((folder / name).read_text(encoding="ascii")) for name in names[:2])
            left.append(max(0, limit - used + _value(folder / "memory.stat", names[2])))
        except (OSError, ValueError, LookupError):
            continue  # no limit here, which version 2 writes as `max`
    return left


def _group_folders() -> list[Path]:
    """The folders of the process's memory groups and of all groups that those are in."""
    try:
        lines = _GROUPS.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    folders = []
    for _, controllers, path in (line.split(":", 2) for line in lines if line.count(":") > 1):
        if controllers in ("", "memory"):
            root = _GROUP_FOLDERS / controllers
            inner = root / path.strip("/")
            folders += [inner, *(folder for folder in inner.parents if folder.is_relative_to(root))]
    return folders


def _on_cuda(compute: Callable[[], object], device: str, torch: Any) -> PeakMemory | None:
    if torch is None:
        return None
    torch.cuda.synchronize(device)
    torch.cuda.reset_peak_memory_stats(device)
    idle = int(torch.cuda.memory_allocated(device))
    compute()
    torch.cuda.synchronize(device)
    return PeakMemory(idle, int(torch.cuda.max_memory_allocated(device)), "device")


def _in_process(compute: Callable[[], object]) -> PeakMemory | None:
    if not sys.platform.startswith("linux"):
        return None
    if hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
        libc.malloc_trim(0)
    try:
        _CLEAR.write_text(_RESET_PEAK, encoding="ascii")
        idle = 1024 * _value(_STATUS, "VmRSS:")
    except OSError:
        return None
    compute()
    return PeakMemory(idle, 1024 * _value(_STATUS, "VmHWM:"), "process")


def _value(path: Path, name: str) -> int:
    """A number of kB in a file of lines `name   number kB`."""
    for line in path.read_text(encoding="ascii").splitlines():
        if line.startswith(name):
            return int(line.split()[1])
    raise LookupError(f"{path} has no {name}")
