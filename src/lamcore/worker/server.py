"""The process that holds a model: `python -m lamcore.worker`, started by `lamcore.worker.client`."""

from __future__ import annotations

import os
import sys
import traceback
from typing import IO, TYPE_CHECKING, Any

from lamcore.worker.frames import read_frame, write_frame

if TYPE_CHECKING:
    from lamcore.model import Model


def serve() -> None:
    """Answer requests until the other side closes the pipe."""
    requests, answers = _private_streams()
    model: Model | None = None
    while True:
        try:
            header, arrays = read_frame(lambda size: _exactly(requests, size))
        except EOFError:
            return
        try:
            if header["request"] == "build":
                model = _build(header["model"], header["options"])
                write_frame(answers, {"facts": _facts(model)})
            elif header["request"] == "release_memory":
                assert model is not None
                model.release_memory()
                write_frame(answers, {})
            else:
                assert model is not None
                write_frame(answers, {}, _answer(model, header, arrays))
        except Exception as error:  # told to the other side, which decides
            write_frame(answers, {"error": _describe(error)})


def _private_streams() -> tuple[IO[bytes], IO[bytes]]:
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


def _build(name: str, options: dict[str, Any]) -> Model:
    from lamcore.adapters import as_model
    from lamcore.allocator import keep_freed_memory
    from lamcore.registry import load_registry
    from lamcore.schema import check_options

    keep_freed_memory()
    offer = load_registry().get("model", name)
    return as_model(offer.spec.build(**check_options(offer.options(), options, "model.")), name)


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
    }


def _answer(model: Model, header: dict[str, Any], arrays: dict[str, Any]) -> dict[str, Any]:
    import numpy as np

    from lamcore.worker.messages import arrays_to_structures, predictions_to_arrays

    structures = arrays_to_structures(header["info"], arrays)
    if header["request"] == "descriptors":
        return {"descriptors": np.concatenate(model.descriptors(structures))}
    return predictions_to_arrays(model.evaluate(structures))


def _describe(error: Exception) -> dict[str, Any]:
    from lamcore.batching import is_out_of_memory

    return {
        "kind": type(error).__name__,
        "message": str(error),
        "traceback": "".join(traceback.format_exception(error)),
        "out_of_memory": is_out_of_memory(error),
    }
