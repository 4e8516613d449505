"""A frame: a JSON header and named arrays as raw bytes, over any pair of binary streams."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LENGTH = struct.Struct("<Q")
_DTYPES = ("<f8", "<i8", "|b1")


def frame(header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]] | None = None) -> bytes:
    """The bytes of a frame.

    Args:
        header: JSON values.
        arrays: Floating-point, integer or boolean arrays, by name.
    """
    plain = {name: _plain(array) for name, array in (arrays or {}).items()}
    shapes = {name: (array.dtype.str, array.shape) for name, array in plain.items()}
    text = json.dumps({"header": header, "arrays": shapes}).encode()
    return b"".join((_LENGTH.pack(len(text)), text, *(array.tobytes() for array in plain.values())))


def read_frame(read: Callable[[int], bytes]) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Read a frame.

    Args:
        read: Returns exactly as many bytes as asked for, or raises.

    Returns:
        The header and the arrays.

    Raises:
        ValueError: The bytes are not a frame.
    """
    (length,) = _LENGTH.unpack(read(_LENGTH.size))
    content = json.loads(read(length))
    arrays = {}
    for name, (dtype, shape) in content["arrays"].items():
        if dtype not in _DTYPES:
            raise ValueError(f"array {name!r} has type {dtype!r}, expected one of {', '.join(_DTYPES)}")
        size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
        arrays[name] = np.frombuffer(read(size), dtype=dtype).reshape(shape).copy()
    return content["header"], arrays


def _plain(array: NDArray[Any]) -> NDArray[Any]:
    kinds = {"f": "<f8", "i": "<i8", "u": "<i8", "b": "|b1"}
    return np.ascontiguousarray(array, dtype=kinds[array.dtype.kind])
