"""Outputs as JSON, with arrays that come back with their type, shape and every bit.

Arrays of more than `INLINE_ELEMENTS` elements lie in files of their own, each named by the SHA-256 of its content.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamcore.data_files import sha256
from lamcore.errors import BadOutputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

ARRAYS_FOLDER = "arrays"
INLINE_ELEMENTS = 1000
"""Arrays with more elements than this go to files of their own."""

_INLINE_ARRAY = "__array__"
_FILED_ARRAY = "__array_file__"
_MAPPED_BYTES = 64 * 1024


def check_storable(output: object) -> None:
    """Refuse an output that could not be stored.

    Raises:
        BadOutputError: It is not a mapping, or holds something that is not finite or neither JSON nor an array.
    """
    if not isinstance(output, Mapping):
        raise BadOutputError(f"the task returned a {type(output).__name__}, expected values by name")
    encode(output, "", {})


def encode(value: Any, path: str, large: dict[str, bytes]) -> Any:
    """A value as JSON, with arrays tagged so that they come back with their type and shape.

    Args:
        value: JSON values and NumPy arrays.
        path: Where it lies in the output, for messages.
        large: Takes the content of the arrays that go to files, by file name.

    Raises:
        BadOutputError: It holds something that is not finite or neither JSON nor an array.
    """
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, np.generic) and value.dtype.kind in "biufU":
        return encode(value.item(), path, large)
    if isinstance(value, float):
        if not np.isfinite(value):
            raise BadOutputError(f"output {path!r} is {value}, expected a finite number")
        return value
    if isinstance(value, np.ndarray):
        return _encode_array(value, path, large)
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str) or key in (_INLINE_ARRAY, _FILED_ARRAY):
                raise BadOutputError(f"output {path!r} has the key {key!r}, expected a string other than that")
        return {key: encode(part, f"{path}.{key}" if path else key, large) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [encode(part, f"{path}[{index}]", large) for index, part in enumerate(value)]
    raise BadOutputError(f"output {path!r} is a {type(value).__name__}, expected JSON values and NumPy arrays")


def _encode_array(array: NDArray[Any], path: str, large: dict[str, bytes]) -> dict[str, Any]:
    if array.dtype.kind not in "biufcU":
        raise BadOutputError(f"output {path!r} is an array of {array.dtype}, expected numbers, truth values or text")
    if array.dtype.kind in "fc" and not np.all(np.isfinite(array)):
        first = tuple(int(index) for index in np.argwhere(~np.isfinite(array))[0])
        n_bad = int(np.sum(~np.isfinite(array)))
        raise BadOutputError(
            f"output {path!r} of shape {array.shape} has {n_bad} values that are not finite, the first at {first}"
        )
    exact_in_json = array.dtype.kind in "biuU" or (array.dtype.kind == "f" and array.dtype.itemsize <= 8)
    if array.size <= INLINE_ELEMENTS and exact_in_json:
        return {_INLINE_ARRAY: array.tolist(), "dtype": array.dtype.str, "shape": list(array.shape)}
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(array), allow_pickle=False)
    content = buffer.getvalue()
    name = hashlib.sha256(content).hexdigest() + ".npy"
    large[name] = content
    return {_FILED_ARRAY: name}


def decode(value: Any, folder: Path) -> Any:
    """What was encoded, with the arrays that lie in files of the run's folder.

    Raises:
        ValueError: An array is damaged; other errors of Python, NumPy and the file system likewise.
    """
    if isinstance(value, list):
        return [decode(part, folder) for part in value]
    if not isinstance(value, dict):
        return value
    if _INLINE_ARRAY in value:
        return np.array(value[_INLINE_ARRAY], dtype=value["dtype"]).reshape(value["shape"])
    if _FILED_ARRAY in value:
        path = folder / ARRAYS_FOLDER / Path(value[_FILED_ARRAY]).name
        if sha256(path) + ".npy" != path.name:
            raise ValueError(f"{ARRAYS_FOLDER}/{path.name} is damaged: its SHA-256 is not its name")
        # Mapped and not read: what nobody looks at costs no memory.
        mapped = path.stat().st_size > _MAPPED_BYTES
        return np.load(path, mmap_mode="r" if mapped else None, allow_pickle=False)
    return {key: decode(part, folder) for key, part in value.items()}


def write_array(path: Path, content: bytes) -> None:
    """Write a file that is there complete or not at all; its name tells its content."""
    if path.exists() and sha256(path) == path.stem:
        return
    path.parent.mkdir(exist_ok=True)
    part = path.with_suffix(".tmp")
    try:
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
