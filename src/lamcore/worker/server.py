"""The process that holds a model: `python -m lamcore.worker`, started by `lamcore.worker.client`."""

from __future__ import annotations

import os
import select
import sys
import threading
import traceback
from dataclasses import asdict
from importlib import metadata
from typing import IO, TYPE_CHECKING, Any

from lamcore.errors import ConfigError, EvaluationError
from lamcore.worker.frames import frame, read_frame

if TYPE_CHECKING:
    from ase import Atoms

    from lamcore.model import Model


def serve() -> None:
    """Answer requests until the other side closes the pipe, or is gone."""
    requests, answers = private_streams()
    threading.Thread(target=_end_with_the_driver, args=(requests.fileno(),), daemon=True).start()
    model: Model | None = None
    while True:
        try:
            header, arrays = read_frame(lambda size: _exactly(requests, size))
        except EOFError:
            return
        try:
            if header["request"] == "build":
                model = _build(header)
                answer = frame({"facts": _facts(model)})
            else:
                assert model is not None
                answer = _answer(model, header, arrays)
        except Exception as error:  # told to the other side, which decides
            answer = frame({"error": _describe(error, model)})
        answers.write(answer)
        answers.flush()


def _end_with_the_driver(requests: int) -> None:
    """End this process as soon as nobody holds the other end of the pipe, whatever the model is doing."""
    poll = select.poll()
    poll.register(requests, select.POLLHUP)
    while not any(event & select.POLLHUP for _, event in poll.poll()):
        pass
    os._exit(1)


def private_streams() -> tuple[IO[bytes], IO[bytes]]:
    """The pipes, out of reach of packages that print: their output goes to standard error."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return requests, answers


def _exactly(stream: IO[bytes], size: int) -> bytes:
    content = stream.read(size)
    if len(content) < size:
        raise EOFError
    return content


def _build(header: dict[str, Any]) -> Model:
    from lamcore.adapters import as_model
    from lamcore.allocator import keep_freed_memory
    from lamcore.registry import load_registry
    from lamcore.schema import check_options
    from lamcore.worker.messages import PROTOCOL

    here = metadata.version("lamcore")
    if header["protocol"] != PROTOCOL or header["lamcore"] != here:
        raise ConfigError(
            f"the worker's Python {sys.executable} has lamcore {here}, the run has {header['lamcore']}; bring both to "
            "the same version, an environment with `lamcore env add` and the name of its plugin"
        )
    keep_freed_memory()
    offer = load_registry().get("model", header["model"])
    options = check_options(offer.options(), header["options"], "model.")
    return as_model(offer.spec.build(**options), header["model"])


def _facts(model: Model) -> dict[str, Any]:
    elements = model.scope.elements
    return {
        "elements": None if elements is None else sorted(elements),
        "boundaries": sorted(model.scope.boundaries),
        "charged": model.scope.charged,
        "properties": sorted(model.properties),
        "conservative": model.conservative,
        "cutoff_ang": model.cutoff_ang,
        "device": model.device,
        "dtype": model.dtype,
        "hardware": asdict(model.hardware()),
    }


def _answer(model: Model, header: dict[str, Any], arrays: dict[str, Any]) -> bytes:
    """The frame that answers a request, with the time that the model spent on graphs meanwhile."""
    from lamcore.worker.messages import arrays_to_structures

    before = model.graph_seconds or 0.0
    structures = arrays_to_structures(header["info"], arrays)
    if header["request"] == "peak_memory":
        peak = model.peak_memory(structures)
        return frame({"peak": None if peak is None else asdict(peak)})
    values = _predictions(model, structures, header["request"] == "descriptors")
    graph_seconds = None if model.graph_seconds is None else model.graph_seconds - before
    return frame({"graph_seconds": graph_seconds}, values)


def _predictions(model: Model, structures: list[Atoms], wants_descriptors: bool) -> dict[str, Any]:
    """What the model says; shapes are checked here, since what is joined for the way could be cut wrongly after it."""
    import numpy as np

    from lamcore.model import check_descriptors, check_shapes
    from lamcore.worker.messages import predictions_to_arrays

    values: list[Any] = model.descriptors(structures) if wants_descriptors else list(model.evaluate(structures))
    if len(values) != len(structures):
        raise EvaluationError(
            f"{type(model).__name__} answered {len(values)} of {len(structures)} structures; "
            "the fault is in the model's plugin"
        )
    check: Any = check_descriptors if wants_descriptors else check_shapes
    for value, atoms in zip(values, structures, strict=True):
        check(value, atoms)
    return {"descriptors": np.concatenate(values)} if wants_descriptors else predictions_to_arrays(values)


def _describe(error: Exception, model: Model | None) -> dict[str, Any]:
    from lamcore.batching import is_out_of_memory

    out_of_memory = is_out_of_memory(error)
    if out_of_memory and model is not None:
        model.release_memory()
    return {
        "kind": type(error).__name__,
        "message": str(error),
        "traceback": "".join(traceback.format_exception(error)),
        "out_of_memory": out_of_memory,
    }
