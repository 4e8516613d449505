"""What a checking process does: files come through a pipe, findings go back.

It limits its own memory, and its parent limits its time: a file that exceeds either costs one process, not a run.
"""

from __future__ import annotations

from multiprocessing.connection import Connection
from pathlib import Path

from lamcore_crystal.rounds import RoundSettings

READY, COUNTED, CHECKED, DONE, NO_MEMORY, BROKEN = range(6)
"""Kinds of messages: the worker is up, the number of structures in the file, one of them, the end of the file, no
memory left (the worker ends), and an error that is the worker's own and no file's."""


def serve(pipe: Connection, settings: RoundSettings, supported: frozenset[str] | None) -> None:
    """Check files until the pipe is closed.

    Messages in are (bytes, split_blocks, first block); messages out are pairs of a kind and its value.
    """
    import signal

    from lamcore.errors import LamcoreError

    # Ctrl-C is for the parent, which ends its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        _prepare(settings)
    except LamcoreError as error:
        pipe.send((BROKEN, str(error)))
        return
    _limit_memory(settings.limits.memory_mib)
    try:
        pipe.send((READY, None))
    except BrokenPipeError:  # all files were checked before this worker was ready
        return
    while True:
        try:
            data, split_blocks, first = pipe.recv()
        except (EOFError, OSError):
            return
        try:
            _check_file(pipe, settings, supported, data, split_blocks, first)
        except MemoryError:
            # What is held by now is freed with the process.
            pipe.send((NO_MEMORY, None))
            return


def _check_file(
    pipe: Connection,
    settings: RoundSettings,
    supported: frozenset[str] | None,
    data: bytes,
    split_blocks: bool,
    first: int,
) -> None:
    from lamcore_crystal.intake.checking import check_blocks
    from lamcore_crystal.intake.cif import Document

    document = Document(data, split_blocks, settings.limits)
    pipe.send((COUNTED, len(document)))
    for checked in check_blocks(document, settings, supported, first):
        pipe.send((CHECKED, checked))
    pipe.send((DONE, None))


def _prepare(settings: RoundSettings) -> None:
    """Import everything once, by checking a small crystal, so that no file pays for it."""
    from dataclasses import replace

    from lamcore_crystal.extensions import label, rule
    from lamcore_crystal.intake.checking import check
    from lamcore_crystal.rounds import Limits

    for name in settings.rules:
        rule(name)
    for name in settings.labels:
        label(name)
    check(_WARM_UP, False, replace(settings, limits=Limits()), None)


def _limit_memory(memory_mib: int) -> None:
    """Let the process grow by so many MiB; where the system has no such limit, time alone is limited."""
    try:
        import resource
    except ImportError:  # no POSIX
        return
    statm = Path("/proc/self/statm")
    used = int(statm.read_text().split()[0]) * resource.getpagesize() if statm.exists() else 0
    wanted = used + memory_mib * 2**20
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_AS, (wanted, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


# Copper at its lattice constant of 3.615 Å.
_WARM_UP = b"""data_warm_up
_cell_length_a 3.615
_cell_length_b 3.615
_cell_length_c 3.615
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_space_group_name_H-M_alt 'F m -3 m'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
Cu1 Cu 0 0 0
"""
